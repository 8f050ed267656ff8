"""What authorization needs to know of an API, GraphQL or Event."""

from collections.abc import Sequence
from typing import Protocol

from callpark.graphql.model import ApiKey, AuthenticationProvider


class Guarded(Protocol):
    """`ApiDefinition` is one. `authentication` are the ways in."""

    @property
    def api_id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def authentication(self) -> Sequence[AuthenticationProvider]: ...

    @property
    def api_keys(self) -> Sequence[ApiKey]: ...
