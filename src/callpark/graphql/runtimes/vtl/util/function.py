"""Functions of `$util` and `$extensions`, and how their arguments are read.

`call(run, *arguments)`. Each module of this folder makes a Family; `table.py` joins them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from callpark.graphql.runtimes.vtl import library
from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from callpark.graphql.runtimes.vtl.run import Run


@dataclass(frozen=True, slots=True)
class Function:
    """`name` as messages have it: `$util.toJson`."""

    name: str
    call: Callable[..., Any]
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Family:
    members: "Mapping[str, Function | Family]"


def functions(prefix: str, table: Mapping[str, tuple[Callable[..., Any], int, int]]) -> dict[str, Function]:
    """`{name: (call, least, most)}` as functions."""
    return {name: Function(f"{prefix}.{name}", *each) for name, each in table.items()}


def shared(family: str, name: str, least: int, most: int) -> tuple[Callable[..., Any], int, int]:
    """A function that JavaScript handlers have too, done by the same source."""

    def call(run: Run, *given: object) -> Any:
        try:
            return library.call(run, family, name, *given)
        except library.Refused as refused:
            raise TemplateFailure(f"${refused}") from None

    return call, least, most


def text(value: object, name: str) -> str:
    if isinstance(value, str):
        return value
    raise TemplateFailure(f"{name} expects a string")


def whole(value: object, name: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value == value and abs(value) < 1e18:
        return int(value)
    raise TemplateFailure(f"{name} expects a whole number")


def number(value: object, name: str) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise TemplateFailure(f"{name} expects a number")


def mapping(value: object, name: str) -> dict[object, object]:
    if isinstance(value, dict):
        return value
    raise TemplateFailure(f"{name} expects a map")


def items(value: object, name: str) -> list[object]:
    if isinstance(value, list):
        return value
    found = getattr(value, "items", None)
    if found is not None and not isinstance(value, dict):
        return list(found() if callable(found) else found)
    raise TemplateFailure(f"{name} expects a list")
