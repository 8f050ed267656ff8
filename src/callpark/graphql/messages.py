"""What goes in and out of an API at run time: requests, responses, publications.

Made by `api/` (requests), by `service.py` (responses, publications); read by `realtime/` and `api/`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson

ErrorEntry: TypeAlias = dict[str, object]
"""One member of `errors` as AppSync writes it: path, data, errorType, errorInfo, locations, message."""


@dataclass(frozen=True, slots=True)
class GraphqlRequest:
    """One authorised GraphQL request. `headers` have lower-case names, a repeated header is a list; `auth_mode` is the
    mode that let the caller in (API_KEY, AWS_IAM, …), `identity` what resolvers see of the caller (None: API_KEY);
    `denied_fields` ("Type.field") are closed to this caller; `request_id` is the one its answer names."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str | list[str]] = field(default_factory=dict)
    auth_mode: str = "API_KEY"
    identity: Mapping[str, object] | None = None
    denied_fields: frozenset[str] = frozenset()
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class GraphqlResponse:
    """An HTTP 200 answer: `data` is None when nothing ran, `errors` is left out of the body when empty; `headers` are
    those that resolvers added."""

    data: dict[str, object] | None
    errors: Sequence[ErrorEntry] = ()
    extensions: Mapping[str, object] | None = None
    headers: Sequence[tuple[str, str]] = ()

    def body(self) -> bytes:
        """The JSON text of the answer."""
        members: dict[str, object] = {"data": self.data}
        if self.errors:
            members["errors"] = list(self.errors)
        if self.extensions:
            members["extensions"] = dict(self.extensions)
        try:
            return orjson.dumps(members)
        except orjson.JSONEncodeError:  # nested more deeply than orjson goes
            return json.dumps(members, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Publication:
    """What one successful mutation root field hands to subscribers.

    `value` is the field's completed result as the mutation selected it, with aliases mapped back to field names and
    every object's `__typename` added; scalars are already serialised. A list field publishes its list.
    """

    api_id: str
    field_name: str
    value: object


@dataclass(frozen=True, slots=True)
class Invalidation:
    """A mutation's request to end the subscriptions of a subscription field whose invalidation filter `payload`
    passes."""

    api_id: str
    field_name: str
    payload: object


@dataclass(frozen=True, slots=True)
class Eviction:
    """What a mutation asked the cache to forget: the parameters of each `extensions.evictFromApiCache`."""

    api_id: str
    parameters: Sequence[Sequence[object]]
