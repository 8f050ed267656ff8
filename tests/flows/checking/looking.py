"""Flows put through the checks, for tests: which codes were found where."""

from collections.abc import Mapping

from callpark.flows.checking.rules import Finding
from callpark.flows.checking.table import check_flow
from callpark.flows.checking.view import Known
from callpark.flows.language import read_flow
from tests.flows.building import Action, definition


def look(
    *actions: Action, known: Known | None = None, type_: str = "CONTACT_FLOW", name: str = "line"
) -> list[Finding]:
    """Everything found in a flow of these actions."""
    made = definition(*actions, type_=type_, name=name)
    return check_flow(read_flow(made), made, known or Known())


def found(*actions: Action, known: Known | None = None, type_: str = "CONTACT_FLOW") -> set[tuple[str, str]]:
    """(code, block) of what AWS does not tell: CP101 and beyond."""
    return {(item.code, item.action) for item in look(*actions, known=known, type_=type_) if item.code > "CP100"}


def functions(**seconds: float) -> Known:
    """A project with functions of these timeouts."""
    timeouts: Mapping[str, float] = seconds
    return Known(functions=timeouts)
