"""Java's values as a template sees them, in Python's.

null None, String str, Integer and Long int, Double float, Boolean bool, List list, Map dict. What Java has besides
(views of a map, entries, iterators) is here, and Java's equality. Used by every module of this folder.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from callpark.graphql.runtimes.vtl.run import Run


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """`keySet()`, `values()` or `entrySet()`: shows the map as it is now."""

    map: dict[object, object]
    kind: Literal["keys", "values", "entries"]

    def items(self) -> list[object]:
        if self.kind == "keys":
            return list(self.map)
        if self.kind == "values":
            return list(self.map.values())
        return [Entry(self.map, key) for key in self.map]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """Map.Entry."""

    map: dict[object, object]
    key: object

    @property
    def value(self) -> object:
        return self.map.get(self.key)


class JavaIterator:
    """`iterator()`: over what the collection held when it was made."""

    __slots__ = ("at", "items", "source")

    def __init__(self, items: list[object], source: list[object] | View) -> None:
        self.items = items
        self.source = source
        self.at = 0

    def rest(self) -> Iterator[object]:
        while self.at < len(self.items):
            self.at += 1
            yield self.items[self.at - 1]


class HidingMap(dict[object, object]):
    """`$context.info`: some members are there when asked for by name, but are not written or counted."""

    __slots__ = ("hidden",)

    def __init__(self, shown: dict[object, object], hidden: dict[str, object]) -> None:
        super().__init__(shown)
        self.hidden = hidden


_SCALARS = (str, int, float, bool, type(None))


def equals(run: Run, left: object, right: object) -> bool:
    """Java's `left.equals(right)`, whole numbers of every size alike."""
    if left is right:
        return True
    kind = type(left)
    if kind in _SCALARS or type(right) in _SCALARS:
        return kind is type(right) and left == right
    run.step()
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equals(run, a, b) for a, b in zip(left, right, strict=True))
    if isinstance(left, dict) and isinstance(right, dict):
        return len(left) == len(right) and all(
            key in right and equals(run, value, right[key]) for key, value in left.items()
        )
    if isinstance(left, View) and isinstance(right, View):
        theirs = right.items()
        mine = left.items()
        return len(mine) == len(theirs) and all(contains(run, theirs, each) for each in mine)
    if isinstance(left, Entry) and isinstance(right, Entry):
        return equals(run, left.key, right.key) and equals(run, left.value, right.value)
    return False


def contains(run: Run, items: list[object], sought: object) -> bool:
    if type(sought) is str:
        run.work(len(items))
        return sought in items
    return position(run, items, sought) >= 0


def position(run: Run, items: list[object], sought: object) -> int:
    """The first index of an equal item, or -1."""
    run.work(len(items))
    for at, each in enumerate(items):
        if equals(run, each, sought):
            return at
    return -1


def class_name(value: object) -> str:
    """The Java class a template's author would read of."""
    match value:
        case bool():
            return "java.lang.Boolean"
        case str():
            return "java.lang.String"
        case int():
            return "java.lang.Integer" if -(2**31) <= value < 2**31 else "java.lang.Long"
        case float():
            return "java.lang.Double"
        case list():
            return "java.util.ArrayList"
        case dict():
            return "java.util.LinkedHashMap"
        case View():
            return "java.util.LinkedHashMap$LinkedKeySet"
        case Entry():
            return "java.util.LinkedHashMap$Entry"
        case JavaIterator():
            return "java.util.ArrayList$Itr"
    return "java.lang.Object"


def plain(value: object) -> object:
    """For writing as JSON: what is not a JSON value becomes one. Raises TypeError for what cannot."""
    if isinstance(value, View):
        return value.items()
    if isinstance(value, Entry):
        return {value.key: value.value}
    if isinstance(value, JavaIterator):
        return {}
    raise TypeError(f"{class_name(value)} cannot be written as JSON")
