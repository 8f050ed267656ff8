"""AWS_LAMBDA: Invoke as RequestResponse and as Event."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FunctionReply:
    """A function's answer: the JSON text it returned or, when `failed`, its error object."""

    payload: bytes
    failed: bool


class FunctionInvoker(Protocol):
    """What AppSync needs of Lambda. Both raise CallerError when the invocation is refused."""

    async def invoke(self, function_arn: str, payload: bytes) -> FunctionReply:
        """Run the function and wait for its answer."""
        ...

    async def enqueue(self, function_arn: str, payload: bytes) -> None:
        """Accept an event durably; returns before the function runs."""
        ...
