"""A Java method as the tables of this folder hold it, and how its arguments are read.

`call(run, target, *arguments)`; raises NoSuchMethod for arguments that no overload takes, JavaException for what Java
would have thrown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from callpark.graphql.runtimes.vtl.failures import JavaException, NoSuchMethod
from callpark.graphql.runtimes.vtl.values import JavaIterator, View


@dataclass(frozen=True, slots=True)
class Method:
    call: Callable[..., Any]
    least: int
    most: int


Table: TypeAlias = Mapping[str, Method]


def method(call: Callable[..., Any], least: int = 0, most: int | None = None) -> Method:
    return Method(call, least, least if most is None else most)


def as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise NoSuchMethod


def as_whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise NoSuchMethod


def as_number(value: object) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise NoSuchMethod


def as_items(value: object) -> list[object]:
    """A collection's items. A null is what Java throws at."""
    if isinstance(value, list):
        return value
    if isinstance(value, View):
        return value.items()
    if isinstance(value, JavaIterator):
        return list(value.rest())
    if value is None:
        raise JavaException("java.lang.NullPointerException")
    raise NoSuchMethod


def out_of_bounds(index: int, size: int) -> JavaException:
    return JavaException(f"java.lang.IndexOutOfBoundsException: Index: {index}, Size: {size}")
