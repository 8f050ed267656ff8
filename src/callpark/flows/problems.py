"""A problem of a flow, as `validate.py` and its helpers report them."""

from dataclasses import dataclass
from typing import Literal

from callpark.flows.language import Action

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """`message` as AWS words it where known, then what is wrong; `action` is its identifier, "" for the whole flow."""

    severity: Severity
    message: str
    action: str = ""

    def __str__(self) -> str:
        return f"{self.severity}: " + (f"action {self.action!r}: " if self.action else "") + self.message


def error(message: str, action: Action | None = None) -> Problem:
    return Problem("error", message, "" if action is None else action.identifier)


def warning(message: str, action: Action | None = None) -> Problem:
    return Problem("warning", message, "" if action is None else action.identifier)
