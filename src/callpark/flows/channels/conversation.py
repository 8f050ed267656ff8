"""What a participant can do beyond keys: say words to a bot, answer a view. A phone that has these methods is asked.

Others are asked for keys instead. `lane.py` looks; `channels/phone.py` implements it for scripts.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from callpark.flows.chat.model import Draft, Item


class Conversation(Protocol):
    """The network's end, for words and views. A `Lane` is one."""

    def say(self, text: str) -> None: ...

    def answer_view(self, action: str, data: Mapping[str, object]) -> None: ...


@runtime_checkable
class Talker(Protocol):
    """The participant's end. Instants are epoch seconds; calls must not block."""

    def joined(self, conversation: Conversation) -> None:
        """The contact begins (again)."""
        ...

    def words_wanted(self, at: float, seconds_of_prompt: float) -> None:
        """A bot listens from now on; its question lasts `seconds_of_prompt`. Keys are listened to as well."""
        ...

    def view_shown(self, view: str, data: Mapping[str, object], at: float) -> None:
        """A view is shown; whoever answers does so on the conversation."""
        ...


class Correspondence(Protocol):
    """The network's end of a chat with a transcript. A `Lane` is one."""

    def connect(self) -> None:
        """The customer is there: the flow begins, unless it has begun already."""
        ...

    def write(self, draft: Draft) -> None: ...

    def bot_there(self, there: bool) -> None:
        """The custom participant has connected, or gone."""
        ...

    def agent_leaves(self, name: str) -> None:
        """The agent is done with the chat."""
        ...

    @property
    def idle(self) -> "asyncio.Future[None]":
        """Resolves when what has happened so far is durable; several may wait for it."""
        ...

    def hang_up(self) -> None: ...


@runtime_checkable
class Correspondent(Protocol):
    """The participants' end of such a chat."""

    def opened(self, line: Correspondence) -> None:
        """The contact begins (again)."""
        ...

    def written(self, items: Sequence[Item]) -> None:
        """The transcript has got these, durably."""
        ...
