"""A chat in progress: who is connected, what has been said, what is on its way to disk.

Made by `service.py` for each open chat; to the lane it is the phone. Whatever a participant sends goes through the
lane, which saves it with the contact and hands it back as `written`; only then is it shown and its sender answered.
Typing is shown and not kept; receipts are kept with their message.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from callpark.flows.channels.conversation import Correspondence
from callpark.flows.channels.voice import Line
from callpark.flows.chat import frames, refusals, transcript
from callpark.flows.chat.model import DELIVERED, LEFT, READ, ChatSession, Draft, File, Item, Participant, Receipt
from callpark.flows.logs import timestamp
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.limits import ConnectLimits
from callpark.store.ports import Change, Store


class Ear(Protocol):
    """A web socket that has joined the chat. Calls come on the event loop and must not block."""

    def written(self, text: str) -> None:
        """A frame for this participant."""
        ...

    def over(self) -> None:
        """The chat has ended; nothing follows."""
        ...

    def replaced(self) -> None:
        """The participant has opened too many."""
        ...


class Room:
    """One open chat. `whole`: the transcript begins here; otherwise it is read from the store when it is needed.
    `announce` tells topics of an event that is not kept: the contact's id, the event's, its members."""

    def __init__(
        self,
        session: ChatSession,
        *,
        whole: bool,
        clock: Clock,
        ids: Ids,
        limits: ConnectLimits,
        store: Store,
        closed: Callable[["Room"], None],
        announce: Callable[[str, str, Mapping[str, object]], None],
    ) -> None:
        self.contact_id = ""
        self.initial_contact_id = ""
        self.customer = session.customer
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._store = store
        self._closed = closed
        self._announce = announce
        self._line: Correspondence | None = None
        self._whole = whole
        self._items: list[Item] = []
        self._by_token: dict[tuple[str, str], Item] = {}
        self._unsaved: dict[str, asyncio.Future[Item]] = {}
        self._unsaved_tokens: dict[tuple[str, str], asyncio.Future[Item]] = {}
        self._ears: dict[str, list[Ear]] = {}
        self.over = False

    def moved(self) -> None:
        """The contact goes on at another node: whoever listens is to connect again."""
        self._line = None
        for saved in self._unsaved.values():
            if not saved.done():
                saved.set_exception(refusals.moved())
        self._unsaved.clear()
        self._unsaved_tokens.clear()
        for ears in tuple(self._ears.values()):
            for ear in tuple(ears):
                ear.replaced()
        self._closed(self)

    # What participants do

    def connect(self, participant: Participant) -> None:
        """A participant is there; the customer's chat begins."""
        if self._line is None:
            return
        if participant.role == "CUSTOMER":
            self._line.connect()
        elif participant.role == "CUSTOM_BOT":
            self._line.bot_there(True)

    def join(self, participant: Participant, ear: Ear) -> Callable[[], None]:
        """Hear what is written from now on; returns what ends it."""
        ears = self._ears.setdefault(participant.id, [])
        ears.append(ear)
        if len(ears) > self._limits.chat_sockets:
            ears.pop(0).replaced()
        self.connect(participant)
        if self.over:
            ear.over()
        return lambda: ears.remove(ear) if ear in ears else None

    async def send(self, draft: Draft) -> Item:
        """Returns when the item is durable. A client token that was seen before sends nothing again. Raises
        CallerError."""
        seen = (draft.author.id, draft.client_token)
        if draft.client_token:
            await self.transcript()
            if seen in self._by_token:
                return self._by_token[seen]
            if seen in self._unsaved_tokens:
                return await asyncio.shield(self._unsaved_tokens[seen])
        if self.over or self._line is None:
            raise refusals.access_denied()
        if len(self._unsaved) >= self._limits.chat_unsaved_messages or len(self._items) >= self._limits.chat_items:
            raise refusals.throttled("Too many messages in this chat")
        saved: asyncio.Future[Item] = asyncio.get_running_loop().create_future()
        saved.add_done_callback(_heard_by_nobody)
        self._unsaved[draft.id] = saved
        if draft.client_token:
            self._unsaved_tokens[seen] = saved
        self.connect(draft.author)
        self._line.write(draft)
        return await asyncio.shield(saved)

    def tell(self, author: Participant, content_type: str) -> tuple[str, float]:
        """Show an event that is not kept, e.g. typing. Returns its id and instant."""
        event_id, now = self._ids.uuid(), self._clock.now()
        members = {
            "AbsoluteTime": timestamp(now),
            "ContentType": content_type,
            "Id": event_id,
            "Type": "EVENT",
            "ParticipantId": author.id,
            "DisplayName": author.display_name,
            "ParticipantRole": author.role,
            "ContactId": self.contact_id,
            "InitialContactId": self.initial_contact_id,
        }
        self._show(frames.item(members))
        self._announce(self.contact_id, event_id, members)
        return event_id, now

    async def acknowledge(self, recipient: Participant, message_id: str, content_type: str) -> tuple[str, float]:
        """A message was delivered or read; returns when that is durable. The first time counts. Raises CallerError."""
        for index, item in enumerate(await self.transcript()):  # noqa: B007
            if item.id == message_id:
                break
        else:
            raise refusals.invalid(f"there is no message {message_id[:64]} in this chat")
        now = self._clock.now()
        known = next((one for one in item.receipts if one.recipient == recipient.id), Receipt(recipient.id))
        receipt = known
        if content_type == DELIVERED and known.delivered_at is None:
            receipt = msgspec.structs.replace(known, delivered_at=now)
        elif content_type == READ and known.read_at is None:
            receipt = msgspec.structs.replace(known, read_at=now)
        if receipt != known:
            others = tuple(one for one in item.receipts if one.recipient != recipient.id)
            self._items[index] = read = msgspec.structs.replace(item, receipts=(*others, receipt))
            await self._store.commit([transcript.row(read)])
            self._show(frames.item(transcript.receipt_members(item, receipt, self.initial_contact_id)))
        return self._ids.uuid(), now

    async def judge(self, file: File, also: Change) -> None:
        """A file's scan has ended; returns when that is durable, together with `also`."""
        for index, item in enumerate(await self.transcript()):
            if item.file is not None and item.file.id == file.id:
                self._items[index] = judged = msgspec.structs.replace(item, file=file)
                await self._store.commit([also, transcript.row(judged)])
                self._show(frames.item(transcript.told(judged, self.initial_contact_id)))
                return
        await self._store.commit([also])

    async def leave(self, participant: Participant) -> None:
        """Somebody leaves; without its customer the chat is over. Returns when that is durable."""
        if self._line is not None:
            if participant.role == "CUSTOMER":
                self._line.hang_up()
            elif participant.role == "AGENT":
                self._line.agent_leaves(participant.display_name)
            else:
                self._line.bot_there(False)
            await self.saved()

    async def saved(self) -> None:
        """Returns when all that has happened so far is durable."""
        if self._line is not None:
            await asyncio.wait([self._line.idle])

    async def transcript(self) -> Sequence[Item]:
        """All of it, oldest first."""
        if not self._whole:
            rows = await self._store.scan(transcript.TABLE, f"{self.contact_id}/")
            if not self._whole:  # nobody else was quicker
                self._whole = True
                written = {item.sequence for item in self._items}
                self._take([item for item in transcript.items(rows) if item.sequence not in written])
                self._items.sort(key=lambda item: item.sequence)
        return self._items

    def _take(self, items: Sequence[Item]) -> None:
        for item in items:
            self._items.append(item)
            if item.client_token and item.author is not None:
                self._by_token[item.author.id, item.client_token] = item

    def _show(self, text: str) -> None:
        for ears in tuple(self._ears.values()):
            for ear in tuple(ears):
                ear.written(text)

    # `channels.conversation.Correspondent`

    def opened(self, line: Correspondence) -> None:
        self._line = line

    def written(self, items: Sequence[Item]) -> None:
        self._take(items)
        for item in items:
            self._show(frames.item(transcript.told(item, self.initial_contact_id)))
            if item.content_type == LEFT and item.author is not None and item.author.role != "CUSTOMER":
                for ear in self._ears.pop(item.author.id, ()):
                    ear.over()
            saved = self._unsaved.pop(item.id, None)
            if saved is not None and item.author is not None:
                self._unsaved_tokens.pop((item.author.id, item.client_token), None)
                if not saved.done():
                    saved.set_result(item)

    # `channels.voice.Phone`: whatever there is to hear is an item

    def answered(self, line: Line) -> None:
        pass

    def heard(self, text: str, at: float, seconds: float) -> None:
        pass

    def interrupted(self, at: float) -> None:
        pass

    def keys_wanted(self, maximum: int, terminator: str, at: float, seconds_of_prompt: float) -> None:
        pass

    def keys_ended(self, at: float) -> None:
        pass

    def ended(self, reason: str, at: float) -> None:
        self.over = True
        self._line = None
        for saved in self._unsaved.values():
            if not saved.done():
                saved.set_exception(refusals.access_denied())
        self._unsaved.clear()
        self._unsaved_tokens.clear()
        for ears in tuple(self._ears.values()):
            for ear in tuple(ears):
                ear.over()
        self._closed(self)


def _heard_by_nobody(saved: "asyncio.Future[Item]") -> None:
    """A sender that has gone away leaves nobody to hear of the refusal, which is no bug."""
    if not saved.cancelled():
        saved.exception()
