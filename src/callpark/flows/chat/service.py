"""The face of chats: who may do what with which chat, and the rooms of those that are open.

Called by `api/`; made by `app.py` beside `Flows`, which owns the contacts. Order of life: `start` before `Flows.start`,
which asks `reconnect` for the phones of contacts that are open.

https://docs.aws.amazon.com/connect/latest/APIReference/API_StartChatContact.html
https://docs.aws.amazon.com/connect/latest/APIReference/API_connect-participant_CreateParticipantConnection.html
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid5

import msgspec

from callpark.flows.channels.voice import Phone
from callpark.flows.chat import refusals, streams, transcript
from callpark.flows.chat.items import SYSTEM_NAME
from callpark.flows.chat.model import JSON, MARKDOWN, TEXT, Address, ChatSession, Draft, File, Item, Participant
from callpark.flows.chat.requests import Begun, Connection, Invitation, NewChat
from callpark.flows.chat.room import Room
from callpark.flows.chat.tokens import Claim, Purpose, Tokens
from callpark.flows.contact import Contact, Conversing, Record
from callpark.flows.events import BotInvited, Rehydrated
from callpark.flows.everywhere import Everywhere, id_for
from callpark.flows.service import Flows
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import ConnectLimits
from callpark.store.ports import Change, RevisionConflict, SetRow, Store

TABLE: Final = "chat"
_SECRET = "secret"


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
        self._everywhere = Everywhere(flows)
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._store = store
        self.tokens = Tokens(b"")
        self._rooms: dict[str, Room] = {}
        self._addresses: dict[Address, str] = {}

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
        while (row := await self._store.get(TABLE, _SECRET)) is None:
            secret = bytes.fromhex(self._ids.hex(64))
            with contextlib.suppress(RevisionConflict):  # another node was faster
                await self._store.commit([SetRow(TABLE, _SECRET, secret, revision=0)])
        self.tokens = Tokens(row.value)

    def reconnect(self, contact: Contact) -> Phone | None:
        """The room of a contact that was open when callpark stopped; None for what is no chat with a transcript."""
        session = contact.chat
        if session is None:
            return None
        room = self._room(session, whole=False)
        self._place(room, contact)
        return room

    async def begin(self, wanted: NewChat) -> Begun:
        """Start a chat; returns when it is durable. The same client token starts one chat while that is open, whichever
        node is asked. Raises CallerError, and ProjectError for a flow that is not there."""
        before = await self._before(wanted)
        id_, known = await self._named_by_token(wanted)
        known = self._flows.contact(id_) or known
        if known is not None and known.chat is not None:
            if (room := self._rooms.get(id_)) is not None:
                await room.saved()
            return self._as_begun(id_, known.chat)
        if wanted.address is not None and self.at(wanted.address) is not None:
            raise refusals.conflict(f"A chat with {wanted.address.source} is open already")
        session = self._session(wanted, () if wanted.source is None else self._past(wanted.source))
        room = self._room(session, whole=True)
        chat = self._flows.start_chat(
            wanted.flow,
            room,
            attributes=wanted.attributes if before is None else {**before.memory.attributes, **wanted.attributes},
            seconds=wanted.seconds,
            session=session,
            party={**_party(wanted), "contact_id": id_},
            record=Record(customer_id=wanted.customer_id),
        )
        contact = self._flows.contact(chat.contact_id)
        assert contact is not None, "it has just been opened"
        self._place(room, contact)
        if wanted.address is not None:
            room.connect(session.customer)
        await room.saved()
        if self._flows.contact(id_) is None:  # the same request came to another node, and was faster
            return await self.begin(wanted)
        return self._as_begun(id_, session)

    async def invite(self, contact_id: str, name: str, client_token: str) -> Invitation:
        """Let a custom participant into an open chat. The same client token lets the same one in, as long as it may
        connect. Raises CallerError."""
        contact = self._open_chat(contact_id)
        session = contact.chat
        assert session is not None
        if session.agent is not None or isinstance(contact.activity, Conversing):
            raise refusals.conflict("An agent or a bot takes part in this chat already")
        invited = str(uuid5(UUID(contact_id), f"bot {client_token or self._ids.uuid()}"))
        if session.bot is not None and session.bot.id != invited:
            raise refusals.conflict("A custom participant takes part in this chat already")
        until = session.bot_expected
        if session.bot is None:
            until = self._clock.now() + self._limits.chat_bot_connection_seconds
            await self._flows.tell(contact_id, BotInvited(Participant(invited, "CUSTOM_BOT", name), until))
        return Invitation(invited, self.tokens.mint(Claim("participant", contact_id, invited)), until)

    async def rehydrate(self, contact_id: str, source: str) -> str:
        """Have an open chat go on where an ended one stopped; the contact that it goes on from. Raises CallerError."""
        contact = self._open_chat(contact_id)
        assert contact.chat is not None
        if contact.chat.continued_from not in ("", source):
            raise refusals.invalid_request("The chat is persistent already")
        await self._everywhere.contact(source)  # known here from now on, wherever it ended
        await self._flows.tell(contact_id, Rehydrated(source, self._past(source)))
        return source

    def at(self, address: Address) -> Seat | None:
        """The customer of the open chat that runs between these addresses."""
        contact = self._flows.contact(self._addresses.get(address, ""))
        room = None if contact is None else self._rooms.get(contact.id)
        if contact is None or contact.chat is None or room is None or contact.ended is not None:
            return None
        return Seat(room, contact.chat.customer, contact)

    def agent_seat(self, agent: str, contact_id: str) -> Seat | None:
        """An agent's place in an open chat with a transcript; None when they are in none."""
        contact, room = self._flows.contact(contact_id), self._rooms.get(contact_id)
        session = None if contact is None else contact.chat
        if contact is None or room is None or session is None or session.agent is None:
            return None
        return Seat(room, session.agent, contact) if session.agent.display_name == agent else None

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
        contact, participant = self._present(claim)
        chain = self._chain(contact)
        if contact_id is not None and contact_id not in chain:
            raise refusals.access_denied()
        room = self._rooms.get(contact.id)
        if room is not None:
            room.connect(participant)
        found: list[Item] = []
        for each in chain if contact_id is None else (contact_id,):
            if room is not None and each == contact.id:
                found += await room.transcript()
            else:
                found += transcript.items(await self._store.scan(transcript.TABLE, f"{each}/"))
        return contact, found

    async def judge(self, contact_id: str, file: File, also: Change) -> None:
        """A file's scan has ended; returns when that is durable, in the transcript too."""
        room = self._rooms.get(contact_id)
        if room is not None:
            await room.judge(file, also)
            return
        items = transcript.items(await self._store.scan(transcript.TABLE, f"{contact_id}/"))
        shown = [item for item in items if item.file is not None and item.file.id == file.id]
        await self._store.commit([also, *(transcript.row(msgspec.structs.replace(one, file=file)) for one in shown)])

    def readable(self, connection_token: str) -> Sequence[str]:
        """The contacts whose transcripts and files a connection token shows, also after the end. Raises CallerError."""
        return self._chain(self._present(self._claim(connection_token, "connection"))[0])

    # Inside

    async def _named_by_token(self, wanted: NewChat) -> tuple[str, Contact | None]:
        """The id of a chat that begins with this token, and the chat if it is open already."""
        if not wanted.client_token:
            return self._ids.uuid(), None
        arn = self._flows.instance.definition.arn
        id_ = id_for(arn, "StartChatContact", wanted.client_token)
        while (known := await self._everywhere.contact(id_)) is not None:
            if known.ended is None:
                return id_, known
            id_ = id_for(arn, f"StartChatContact after {id_}", wanted.client_token)
        return id_, None

    def _present(self, claim: Claim) -> tuple[Contact, Participant]:
        """Who holds a token, also of a chat that is over. Raises CallerError for who has left."""
        contact = self._flows.contact(claim.contact_id)
        participant = (
            None if contact is None or contact.chat is None else contact.chat.participant(claim.participant_id)
        )
        if contact is None or participant is None:
            raise refusals.access_denied()
        return contact, participant

    def _chain(self, contact: Contact) -> Sequence[str]:
        assert contact.chat is not None
        return (*contact.chat.past, contact.id)

    def _seat(self, token: str, purpose: Purpose) -> Seat:
        return self._sit(self._claim(token, purpose))

    def _claim(self, token: str, purpose: Purpose) -> Claim:
        claim = self.tokens.read(token, purpose, self._clock.now())
        if claim is None:
            raise refusals.access_denied()
        return claim

    def _sit(self, claim: Claim) -> Seat:
        contact, participant = self._present(claim)
        room = self._rooms.get(contact.id)
        if contact.ended is not None or room is None:
            raise refusals.access_denied()
        return Seat(room, participant, contact)

    def _mint(self, purpose: Purpose, seat: Seat, expires: float) -> str:
        return self.tokens.mint(Claim(purpose, seat.contact.id, seat.participant.id, expires))

    def _as_begun(self, contact_id: str, session: ChatSession) -> Begun:
        token = self.tokens.mint(Claim("participant", contact_id, session.customer.id))
        streaming_id = session.streams[0].id if session.streams else ""
        return Begun(contact_id, session.customer.id, token, session.continued_from, streaming_id)

    def _session(self, wanted: NewChat, past: tuple[str, ...]) -> ChatSession:
        customer = Participant(self._ids.uuid(), "CUSTOMER", wanted.display_name)
        author, words = customer, wanted.initial
        if wanted.greeting is not None:
            author, words = Participant("", "SYSTEM", SYSTEM_NAME), wanted.greeting
        return ChatSession(
            customer,
            wanted.content_types,
            None if words is None else Draft(self._ids.uuid(), author, *words),
            past,
            wanted.source or "",
            wanted.client_token,
            streams=wanted.streams,
            address=wanted.address,
        )

    def _room(self, session: ChatSession, *, whole: bool) -> Room:
        return Room(
            session,
            whole=whole,
            clock=self._clock,
            ids=self._ids,
            limits=self._limits,
            store=self._store,
            closed=self._forget,
            announce=self._announce,
        )

    def _place(self, room: Room, contact: Contact) -> None:
        room.contact_id = contact.id
        room.initial_contact_id = contact.party.initial_contact_id or contact.id
        self._rooms[contact.id] = room
        if contact.chat is not None and contact.chat.address is not None:
            self._addresses[contact.chat.address] = contact.id

    def _forget(self, room: Room) -> None:
        self._rooms.pop(room.contact_id, None)
        contact = self._flows.contact(room.contact_id)
        address = None if contact is None or contact.chat is None else contact.chat.address
        if address is not None and self._addresses.get(address) == room.contact_id:
            del self._addresses[address]

    def _announce(self, contact_id: str, event_id: str, members: Mapping[str, object]) -> None:
        """Typing goes to topics too, though it is not kept."""
        contact = self._flows.contact(contact_id)
        if contact is not None and contact.chat is not None and contact.chat.streams:
            told, instance = contact.chat.streams, contact.party.instance_arn
            self._store.commit(streams.announced(told, instance, event_id, self._clock.now(), members))

    def _open_chat(self, contact_id: str) -> Contact:
        """Raises CallerError."""
        contact = self._flows.contact(contact_id)
        if contact is None or contact.chat is None or contact.ended is not None:
            raise refusals.no_resource(f"The open chat {contact_id}")
        return contact

    async def _before(self, wanted: NewChat) -> Contact | None:
        """The contact whose attributes the new one has too. Raises CallerError."""
        contact_id = wanted.source or wanted.related_contact_id
        contact = None if contact_id is None else await self._everywhere.contact(contact_id)
        if contact is None and wanted.related_contact_id is not None:
            raise refusals.no_resource(f"The related contact {wanted.related_contact_id}")
        return contact

    def _past(self, source: str) -> tuple[str, ...]:
        """The contacts whose transcripts come first: that chat's, and those that it went on from itself. Both
        rehydration types come to the same, because a chat is one contact here from its first word to its last. Raises
        CallerError."""
        past = transcript.chain(self._flows.contact(source))
        if past is None:
            raise refusals.invalid_request(f"SourceContactId {source} is no chat that has ended and is kept")
        return past

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


def _party(wanted: NewChat) -> Mapping[str, object]:
    """What a chat's Party has beside what every chat's has."""
    found: dict[str, object] = {
        "related_contact_id": wanted.related_contact_id or wanted.source,
        "subtype": wanted.subtype,
    }
    if wanted.address is not None:
        found |= {"caller": wanted.address.source, "number": wanted.number, "subtype": wanted.address.subtype}
    return found
