"""What this slice tells the trace. Read by logs and the CLI."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResolverLogged:
    """Lines of `console.log`, as AppSync writes them: `INFO - code.js:13:5: "text"`."""

    request_id: str
    api_id: str
    type_name: str
    field_name: str
    lines: tuple[str, ...]

    @property
    def subject(self) -> str:
        return self.request_id


@dataclass(frozen=True, slots=True)
class OperationExecuted:
    """A query or mutation was answered; `seconds` are the clock's."""

    request_id: str
    api_id: str
    operation: str
    operation_name: str | None
    seconds: float
    errors: int

    @property
    def subject(self) -> str:
        return self.request_id
