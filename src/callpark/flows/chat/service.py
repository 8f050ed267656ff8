"""The face of chats: who may do what with which chat, and the rooms of those that are open.

Called by `api/`; made by `app.py` beside `Flows`, which owns the contacts. Order of life: `start` before `Flows.start`,
which asks `reconnect` for the phones of contacts that are open.

https://docs.aws.amazon.com/connect/latest/APIReference/API_StartChatContact.html
https://docs.aws.amazon.com/connect/latest/APIReference/API_connect-participant_CreateParticipantConnection.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from callpark.flows.channels.voice import Phone
from callpark.flows.chat import refusals, transcript
from callpark.flows.chat.model import (
    JSON,
    MARKDOWN,
    TEXT,
    ChatSession,
    Draft,
    Item,
    Participant,
)
from callpark.flows.chat.room import Room
from callpark.flows.chat.tokens import Claim, Purpose, Tokens
from callpark.flows.contact import Contact, Record
from callpark.flows.service import Flows
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import ConnectLimits
from callpark.store.ports import SetRow, Store

TABLE: Final = "chat"
_SECRET = "secret"


@dataclass(frozen=True, slots=True)
class NewChat:
    """What StartChatContact asks for. `initial`: content type and content. `seconds`: None is 25 hours.
    `source`: the contact whose transcript goes on here; `segment`: that one only, not what came before it."""

    flow: str
    display_name: str
    attributes: Mapping[str, str]
    initial: tuple[str, str] | None = None
    content_types: tuple[str, ...] = (TEXT,)
    seconds: float | None = None
    source: str | None = None
    segment: bool = False
    related_contact_id: str | None = None
    customer_id: str | None = None
    client_token: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """`participant_token` lasts as long as the chat."""

    contact_id: str
    participant_id: str
    participant_token: str
    continued_from: str


@dataclass(frozen=True, slots=True)
class Connection:
    """Instants in epoch seconds. `socket_token` opens a web socket for a short while
    (`connect.chat_socket_url_seconds`), which then lasts until `socket_expires`."""

    token: str
    expires: float
    socket_token: str
    socket_expires: float


@dataclass(frozen=True, slots=True)
class Seat:
    """A participant at a chat that is open."""

    room: Room
    participant: Participant
    contact: Contact

    @property
    def session(self) -> ChatSession:
        assert self.contact.chat is not None
        return self.contact.chat


class Chats:
    def __init__(self, flows: Flows, clock: Clock, ids: Ids, limits: ConnectLimits, store: Store) -> None:
        self._flows = flows
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._store = store
        self._tokens = Tokens(b"")
        self._rooms: dict[str, Room] = {}
        self._begun: dict[str, str] = {}

    @property
    def limits(self) -> ConnectLimits:
        return self._limits

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def ids(self) -> Ids:
        return self._ids

    async def start(self) -> None:
        """Take up the secret of the data folder, or make one."""
        row = await self._store.get(TABLE, _SECRET)
        secret = row.value if row is not None else bytes.fromhex(self._ids.hex(64))
        if row is None:
            await self._store.commit([SetRow(TABLE, _SECRET, secret, revision=0)])
        self._tokens = Tokens(secret)

    def reconnect(self, contact: Contact) -> Phone | None:
        """The room of a contact that was open when callpark stopped; None for what is no chat with a transcript."""
        session = contact.chat
        if session is None:
            return None
        room = self._room(session, whole=False)
        self._place(room, contact)
        return room

    async def begin(self, wanted: NewChat) -> Begun:
        """Start a chat; returns when it is durable. The same client token starts one chat while that is open. Raises
        CallerError, and ProjectError for a flow that is not there."""
        known = self._begun.get(wanted.client_token) if wanted.client_token else None
        contact = None if known is None else self._flows.contact(known)
        if contact is not None and contact.chat is not None and contact.ended is None:
            await self._rooms[contact.id].saved()
            return self._as_begun(contact.id, contact.chat)
        past = self._past(wanted)
        customer = Participant(self._ids.uuid(), "CUSTOMER", wanted.display_name)
        initial = None if wanted.initial is None else Draft(self._ids.uuid(), customer, *wanted.initial)
        session = ChatSession(
            customer,
            wanted.content_types,
            initial,
            past,
            wanted.source or "",
            wanted.client_token,
        )
        room = self._room(session, whole=True)
        chat = self._flows.start_chat(
            wanted.flow,
            room,
            attributes=wanted.attributes,
            seconds=wanted.seconds,
            session=session,
            related_contact_id=wanted.related_contact_id or wanted.source,
            record=Record(customer_id=wanted.customer_id),
        )
        contact = self._flows.contact(chat.contact_id)
        assert contact is not None, "it has just been opened"
        self._place(room, contact)
        await room.saved()
        return self._as_begun(contact.id, session)

    def admit(self, participant_token: str) -> Seat:
        """Who holds a participant token. Raises CallerError when it is none, or the chat is over."""
        return self._seat(participant_token, "participant")

    def seat(self, connection_token: str) -> Seat:
        """Who holds a connection token. Raises CallerError when it is none, or the chat is over."""
        return self._seat(connection_token, "connection")

    def socket_seat(self, socket_token: str) -> Seat:
        """Who opens a web socket. Raises CallerError."""
        return self._seat(socket_token, "socket")

    def connection(self, seat: Seat) -> Connection:
        now, limits = self._clock.now(), self._limits
        return Connection(
            self._mint("connection", seat, now + limits.chat_token_seconds),
            now + limits.chat_token_seconds,
            self._mint("socket", seat, now + limits.chat_socket_url_seconds),
            now + limits.chat_socket_seconds,
        )

    async def send(self, seat: Seat, content_type: str, content: str, client_token: str) -> Item:
        """Returns when the message is durable. Raises CallerError."""
        if content_type not in seat.session.content_types:
            raise refusals.invalid(f"The content type {content_type[:100]} is not supported by this chat")
        if problem := self.problem_of(content_type, content):
            raise refusals.invalid(problem)
        return await seat.room.send(Draft(self._ids.uuid(), seat.participant, content_type, content, client_token))

    async def transcript(self, connection_token: str, contact_id: str | None) -> tuple[Contact, Sequence[Item]]:
        """The contact of a connection token and its transcript, after those it continues; with a `contact_id` that
        contact's alone. Also of a chat that is over, as long as it is kept. Raises CallerError."""
        claim = self._claim(connection_token, "connection")
        contact = self._flows.contact(claim.contact_id)
        if contact is None or contact.chat is None:
            raise refusals.access_denied()
        chain = (*contact.chat.past, contact.id)
        if contact_id is not None and contact_id not in chain:
            raise refusals.access_denied()
        room = self._rooms.get(contact.id)
        if room is not None:
            room.connect(contact.chat.customer)
        found: list[Item] = []
        for each in chain if contact_id is None else (contact_id,):
            if room is not None and each == contact.id:
                found += await room.transcript()
            else:
                found += transcript.items(await self._store.scan(transcript.TABLE, f"{each}/"))
        return contact, found

    # Inside

    def _seat(self, token: str, purpose: Purpose) -> Seat:
        return self._sit(self._claim(token, purpose))

    def _claim(self, token: str, purpose: Purpose) -> Claim:
        claim = self._tokens.read(token, purpose, self._clock.now())
        if claim is None:
            raise refusals.access_denied()
        return claim

    def _sit(self, claim: Claim) -> Seat:
        contact, room = self._flows.contact(claim.contact_id), self._rooms.get(claim.contact_id)
        if contact is None or contact.chat is None or contact.ended is not None or room is None:
            raise refusals.access_denied()
        if contact.chat.customer.id != claim.participant_id:
            raise refusals.access_denied()
        return Seat(room, contact.chat.customer, contact)

    def _mint(self, purpose: Purpose, seat: Seat, expires: float) -> str:
        return self._tokens.mint(Claim(purpose, seat.contact.id, seat.participant.id, expires))

    def _as_begun(self, contact_id: str, session: ChatSession) -> Begun:
        token = self._tokens.mint(Claim("participant", contact_id, session.customer.id))
        return Begun(contact_id, session.customer.id, token, session.continued_from)

    def _room(self, session: ChatSession, *, whole: bool) -> Room:
        return Room(
            session,
            whole=whole,
            clock=self._clock,
            ids=self._ids,
            limits=self._limits,
            store=self._store,
            closed=self._forget,
        )

    def _place(self, room: Room, contact: Contact) -> None:
        room.contact_id = contact.id
        room.initial_contact_id = contact.party.initial_contact_id or contact.id
        self._rooms[contact.id] = room
        if contact.chat is not None and contact.chat.client_token:
            self._begun[contact.chat.client_token] = contact.id

    def _forget(self, room: Room) -> None:
        self._rooms.pop(room.contact_id, None)
        contact = self._flows.contact(room.contact_id)
        if contact is not None and contact.chat is not None:
            self._begun.pop(contact.chat.client_token, None)

    def _past(self, wanted: NewChat) -> tuple[str, ...]:
        """The contacts whose transcripts come first. Raises CallerError."""
        if wanted.source is None:
            return ()
        source = self._flows.contact(wanted.source)
        if source is None or source.chat is None:
            raise refusals.invalid_request(f"SourceContactId {wanted.source} is no chat that is kept")
        if source.ended is None:
            raise refusals.invalid_request(f"SourceContactId {wanted.source} is a chat that has not ended")
        return (source.id,) if wanted.segment else (*source.chat.past, source.id)

    def problem_of(self, content_type: str, content: str) -> str:
        """What is wrong with the content of a message, "" when nothing is."""
        limits = self._limits
        most = limits.chat_response_characters
        if content_type in (TEXT, MARKDOWN):
            most = limits.chat_text_characters
        elif content_type == JSON:
            most = limits.chat_json_characters
        if len(content) > most:
            return f"Content of type {content_type} has at most {most} characters, not {len(content)}"
        return ""
