"""The evaluated properties of one resource, read by name and type. Used by every family of resources.

It remembers what was read: what is left over at the end is configuration that nobody acts on, and a warning names it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from callpark.kernel.errors import ProjectError
from callpark.projects.document import Place, Value

_WHOLE_NUMBER = re.compile(r"\s*-?[0-9]{1,18}\s*")

Blame: TypeAlias = Callable[[Place, str, str], ProjectError]
"""(place, cause, remedy) → the error that names file and line."""


@dataclass(slots=True)
class Properties:
    """One mapping of properties. Readers give None for what is absent and raise ProjectError for the wrong type."""

    values: Mapping[str, Value]
    place: Place
    blame: Blame
    _read: set[str] = field(default_factory=set)
    _nested: dict[str, "Properties"] = field(default_factory=dict)

    def get(self, name: str) -> Value:
        self._read.add(name)
        return self.values.get(name)

    def text(self, name: str) -> str | None:
        value = self.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        raise self._wrong(name, "a text", value)

    def required(self, name: str) -> str:
        text = self.text(name)
        if not text:
            raise self.blame(self.place, f"{name} is missing", f"add {name}")
        return text

    def integer(self, name: str) -> int | None:
        value = self.get(name)
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
            return int(value)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        raise self._wrong(name, "a whole number", value)

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.get(name)
        if value is None:
            return ()
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(str(item) for item in value)
        raise self._wrong(name, "a list of texts", value)

    def text_map(self, name: str) -> dict[str, str]:
        """A mapping of texts, such as environment variables; numbers and booleans are written out."""
        inner = self.mapping(name)
        if inner is None:
            return {}
        return {key: inner.text(key) or "" for key in inner.values}

    def mapping(self, name: str) -> "Properties | None":
        """A nested mapping, whose own left-overs are named as well."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._wrong(name, "a mapping", value)
        if name not in self._nested:
            self._nested[name] = Properties(value, (*self.place, name), self.blame)
        return self._nested[name]

    def mappings(self, name: str) -> tuple["Properties", ...]:
        """A list of mappings."""
        value = self.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self._wrong(name, "a list of mappings", value)
        found = []
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                raise self._wrong(name, "a list of mappings", value)
            key = f"{name}.{index}"
            self._nested.setdefault(key, Properties(item, (*self.place, name, index), self.blame))
            found.append(self._nested[key])
        return tuple(found)

    def without_effect(self, *names: str) -> None:
        """Properties that could change nothing here: tags, roles, who paid for it."""
        self._read.update(names)

    def default(self, name: str, *values: Value) -> None:
        """A property that changes nothing while it has AWS's default."""
        if self.values.get(name) in values:
            self._read.add(name)

    def ignored(self) -> Iterator[Place]:
        """Places of the properties that nobody has read."""
        for name in self.values:
            if name not in self._read:
                yield (*self.place, name)
        for inner in self._nested.values():
            yield from inner.ignored()

    def wrong(self, name: str, cause: str, remedy: str) -> ProjectError:
        """The error for a property whose value cannot be."""
        return self.blame((*self.place, name), cause, remedy)

    def _wrong(self, name: str, wanted: str, value: Value) -> ProjectError:
        shown = repr(value) if len(repr(value)) < 80 else f"{repr(value)[:77]}…"
        return self.wrong(name, f"needs {wanted}, not {shown}", f"give {wanted}")
