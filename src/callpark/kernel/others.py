"""What a slice asks the other nodes of a cluster, and what they answer. `ALONE` stands for a single node.

A question goes to all other nodes at once, is answered by each from what it knows, and waits no longer than
`cluster.gather_seconds`: whoever is silent then is named, not waited for. `clustered/` asks and answers over HTTP.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, TypeAlias

import msgspec

Members: TypeAlias = Mapping[str, object]
"""What MessagePack can say: text, numbers, bytes, lists, mappings with names."""

Question: TypeAlias = Callable[[Members], Awaitable[Members]]

Questions: TypeAlias = Mapping[str, Question]
"""What a slice answers other nodes, by the question's name."""


class Gathered(msgspec.Struct, frozen=True):
    """`said`: the answers by the nodes' names, in their order; `silent`: the names of those that gave none in time."""

    said: Mapping[str, Members] = {}
    silent: Sequence[str] = ()


class Others(Protocol):
    @property
    def name(self) -> str:
        """This node's own; empty when there are no others."""
        ...

    async def ask(self, question: str, members: Members) -> Gathered: ...


class Alone:
    """Implements `Others`: there is nobody to ask."""

    name = ""

    async def ask(self, question: str, members: Members) -> Gathered:
        return _NOTHING


_NOTHING: Final = Gathered()
ALONE: Final = Alone()
