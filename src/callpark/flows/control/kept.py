"""What all records of an instance have in common: tags, when they were changed, and whose they are.

The shapes of `model.py` and `people.py` are made of these. A record's JSON has its kind as `record`; members that have
their default are left out, so that a row of an earlier callpark, which lacks the later ones, is read as before.
"""

from collections.abc import Mapping
from typing import Generic, Protocol, TypeAlias, TypeVar

import msgspec

Tags: TypeAlias = Mapping[str, str]


class Named(Protocol):
    """A value of `declared.py` that says who it is."""

    @property
    def id(self) -> str: ...

    @property
    def arn(self) -> str: ...

    @property
    def name(self) -> str: ...


ValueT = TypeVar("ValueT", bound=Named)


class Kept(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="record"):
    """`modified_at`: epoch seconds. `declared`: the project's, not made by the API."""

    tags: Tags = {}
    modified_at: float = 0.0
    declared: bool = False


class KeptValue(Kept, Generic[ValueT], frozen=True, kw_only=True):
    """A record around a value, whose id, ARN and name are its own."""

    value: ValueT

    @property
    def id(self) -> str:
        return self.value.id

    @property
    def arn(self) -> str:
        return self.value.arn

    @property
    def name(self) -> str:
        return self.value.name
