"""What of a turn belongs into a chat's transcript: from the engine's effects to items. Pure.

Called by the lane for a contact that has a `ChatSession`; the items are saved with the turn and shown after it, so
their order is the order in which things happened to the contact. The order at both ends is our rule: the customer
joins, then the first message; at the end everybody leaves, then the chat ends.

https://docs.aws.amazon.com/connect/latest/APIReference/API_connect-participant_Item.html
"""

from collections.abc import Iterator, Sequence
from uuid import UUID, uuid5

import msgspec

from callpark.flows.chat import streams, transcript
from callpark.flows.chat.model import (
    ENDED,
    INTERACTIVE,
    JOINED,
    LEFT,
    TEXT,
    ChatSession,
    Draft,
    Item,
    Participant,
)
from callpark.flows.contact import Contact
from callpark.flows.effects import Effect, Listen, Note, Post, Say, ShowForm
from callpark.flows.happenings import ContactEnded, ContactStarted, StageEntered
from callpark.store.ports import Change

SYSTEM_NAME = "SYSTEM_MESSAGE"


def written(contact: Contact, effects: Sequence[Effect], at: float) -> tuple[Contact, list[Item]]:
    """The contact with its items counted, and the items that the effects make, in order."""
    session = contact.chat
    if session is None:
        return contact, []
    writer = _Writer(contact.id, session, at)
    for effect in effects:
        writer.note(effect)
    if not writer.items:
        return contact, []
    return msgspec.structs.replace(contact, chat=writer.session), writer.items


def kept(contact: Contact, items: Sequence[Item]) -> list[Change]:
    """What belongs into the commit that saves the contact with these items: their rows, and who is told of them."""
    return [*(transcript.row(item) for item in items), *streams.told(contact, items)]


class _Writer:
    """A transcript being continued."""

    def __init__(self, contact_id: str, session: ChatSession, at: float) -> None:
        self._contact_id = contact_id
        self._space = UUID(contact_id)
        self._at = at
        self.session = session
        self.items: list[Item] = []

    def note(self, effect: Effect) -> None:
        match effect:
            case Post():
                self._draft(effect.draft)
            case Say() if effect.text:  # what refers to nothing says nothing
                self._system(TEXT, effect.text)
            case ShowForm():
                self._system(INTERACTIVE, view_message(effect.view, effect.data))
            case ContactStarted():
                self._event(JOINED, self.session.customer)
            case Note():
                self._event(effect.content_type, effect.author)
            case Listen():
                self._bot_leaves()
            case StageEntered(stage="connected") if effect.agent:
                self._agent_joins(effect.agent)
            case StageEntered(stage="remaining" | "queued"):
                self._agent_leaves()
            case ContactEnded():
                self._agent_leaves()
                self._bot_leaves()
                if self.session.items:
                    self._event(LEFT, self.session.customer)
                self._event(ENDED, None)

    def _agent_joins(self, name: str) -> None:
        if self.session.agent is None or self.session.agent.display_name != name:
            self._agent_leaves()
            self._bot_leaves()
            agent = Participant(str(uuid5(self._space, f"agent {name}")), "AGENT", name)
            self.session = msgspec.structs.replace(self.session, agent=agent)
            self._event(JOINED, agent)

    def _agent_leaves(self) -> None:
        agent = self.session.agent
        if agent is not None:
            self._event(LEFT, agent)
            self.session = msgspec.structs.replace(self.session, agent=None)

    def _bot_leaves(self) -> None:
        """Also for an agent or a Lex bot who takes over."""
        bot = self.session.bot
        if bot is not None:
            if not self.session.bot_expected:
                self._event(LEFT, bot)
            self.session = msgspec.structs.replace(self.session, bot=None, bot_expected=0.0)

    def _draft(self, draft: Draft) -> None:
        if draft.author.role == "SYSTEM":
            self._system(draft.content_type, draft.content)
            return
        self._add(
            Item(
                self._contact_id,
                self.session.items,
                draft.id,
                self._at,
                "MESSAGE" if draft.file is None else "ATTACHMENT",
                draft.content_type,
                draft.content,
                draft.author,
                draft.client_token,
                file=draft.file,
            )
        )

    def _system(self, content_type: str, content: str) -> None:
        author = Participant(str(uuid5(self._space, "system")), "SYSTEM", SYSTEM_NAME)
        self._add(
            Item(
                self._contact_id,
                self.session.items,
                self._id(),
                self._at,
                "MESSAGE",
                content_type,
                content,
                author,
            )
        )

    def _event(self, content_type: str, author: Participant | None) -> None:
        item = Item(self._contact_id, self.session.items, self._id(), self._at, "EVENT", content_type, author=author)
        self._add(item)

    def _id(self) -> str:
        return str(uuid5(self._space, f"item {self.session.items}"))

    def _add(self, item: Item) -> None:
        self.items.append(item)
        size = self.session.item_bytes + len(msgspec.msgpack.encode(item))
        self.session = msgspec.structs.replace(self.session, items=self.session.items + 1, item_bytes=size)


def view_message(view: str, data: object) -> str:
    """A view as a message: its name as the token, and its data (our rule; AWS publishes no sample)."""
    content = {"templateType": "ViewResource", "version": "1.0", "data": {"content": {"viewToken": view, "data": data}}}
    return msgspec.json.encode(content).decode()


def view_answer(content: str) -> tuple[str, dict[str, object]] | None:
    """The action and the data of an interactive response; None for what names no action."""
    try:
        answer = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return None
    for place in _places(answer):
        action = place.get("action") or place.get("Action")
        if isinstance(action, str) and action:
            data = next(
                (place[name] for name in ("data", "output", "content") if isinstance(place.get(name), dict)), {}
            )
            return action, {str(name): value for name, value in data.items()} if isinstance(data, dict) else {}
    return None


def _places(answer: object) -> Iterator[dict[str, object]]:
    """Where clients put the action: at the top, under `data`, or under `data.content`."""
    place = answer
    for name in ("data", "content", ""):
        if not isinstance(place, dict):
            return
        yield place
        place = place.get(name)
