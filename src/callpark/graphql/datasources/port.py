"""What a data source is to resolvers. Implemented by one file each beside this one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SourceError:
    """Becomes `ctx.error`. `function_type` is the class name a function's own error carried, for direct resolvers."""

    message: str
    type: str
    function_type: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the data source gave: `ctx.result` and `ctx.error`."""

    result: object = None
    error: SourceError | None = None


class DataSource(Protocol):
    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        """Do what a request handler asked. `deadline` in epoch seconds. Raises FieldFailure for a request that this
        kind of data source does not understand."""
        ...
