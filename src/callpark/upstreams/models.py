"""botocore's models of the services that others serve, seen through types.

Called by `wire.py` and `naming.py`. Like the gateway's models they come from botocore's own data only; loaded on first
use and kept.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Protocol, cast

import botocore.exceptions
import botocore.loaders
import botocore.model


class Member(Protocol):
    @property
    def type_name(self) -> str: ...
    @property
    def metadata(self) -> Mapping[str, object]: ...
    @property
    def serialization(self) -> Mapping[str, object]: ...
    @property
    def members(self) -> "Mapping[str, Member]": ...


class Operation(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def http(self) -> Mapping[str, object]: ...
    @property
    def input_shape(self) -> Member | None: ...
    @property
    def output_shape(self) -> Member | None: ...
    @property
    def has_event_stream_output(self) -> bool: ...
    @property
    def has_event_stream_input(self) -> bool: ...
    @property
    def http_checksum(self) -> Mapping[str, object]: ...
    @property
    def idempotent_members(self) -> Sequence[str]: ...


class Service(Protocol):
    @property
    def metadata(self) -> Mapping[str, object]: ...
    @property
    def operation_names(self) -> Sequence[str]: ...
    @property
    def signing_name(self) -> str: ...
    @property
    def endpoint_prefix(self) -> str: ...
    @property
    def resolved_protocol(self) -> str: ...
    def operation_model(self, operation_name: str) -> Operation: ...
    def shape_for_error_code(self, error_code: str) -> object: ...


def _loader() -> botocore.loaders.Loader:
    return botocore.loaders.Loader(
        extra_search_paths=[botocore.loaders.Loader.BUILTIN_DATA_PATH], include_default_search_paths=False
    )


@lru_cache(maxsize=1)
def service_names() -> Collection[str]:
    """All there are, by botocore's names."""
    return frozenset(_loader().list_available_services("service-2"))


@lru_cache(maxsize=64)
def service_model(service: str) -> Service | None:
    """The model of a service by botocore's name for it; None when there is no such service."""
    try:
        description = _loader().load_service_model(service, "service-2")
    except botocore.exceptions.UnknownServiceError:
        return None
    return cast(Service, botocore.model.ServiceModel(description, service))
