"""What a node among several asks: which functions and event sources are its own. `Alone` answers for a single one.

A function with a share of the concurrency of its own (reserved or provisioned) runs on one node, which counts its runs;
all others run anywhere, within the node's part of what the account has left; parts follow need. An event source is
where its queue is.
"""

from typing import Protocol

from callpark.functions.environments.ports import ResponseStream
from callpark.functions.model import Function, Invocation, InvocationResult
from callpark.kernel.errors import RuntimeBug


class Custody(Protocol):
    def part(self, unreserved: int) -> int:
        """How much of what the account has for functions without a share of their own is for this node."""
        ...

    def holds(self, function: str) -> bool:
        """Whether a function with a share of its own is run here."""
        ...

    def has_queue(self, queue_arn: str) -> bool:
        """Whether the messages of a queue are given out here."""
        ...

    async def invoke(self, function: str, invocation: Invocation) -> InvocationResult:
        """Where it is held. Raises CallerError."""
        ...

    async def stream(self, function: str, invocation: Invocation) -> tuple[str, ResponseStream]:
        """The same, its answer as it is made. Raises CallerError."""
        ...


class Alone:
    """Implements `Custody`: there is no other node."""

    def part(self, unreserved: int) -> int:
        return unreserved

    def holds(self, function: str) -> bool:
        return True

    def has_queue(self, queue_arn: str) -> bool:
        return True

    async def invoke(self, function: str, invocation: Invocation) -> InvocationResult:
        raise RuntimeBug("asked for another node, and there is none")

    async def stream(self, function: str, invocation: Invocation) -> tuple[str, ResponseStream]:
        raise RuntimeBug("asked for another node, and there is none")


def has_own_share(function: Function) -> bool:
    """Whether one node has to count its runs."""
    return function.reserved_concurrency is not None or bool(function.provisioned)
