"""botocore's service models, seen through types.

Called by the router and the protocol compilers. Models come from botocore's own data only, never from `~/.aws/models`,
so that the wire is the same on every machine. Loaded on first use and kept: they never change.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol, cast

import botocore.loaders
import botocore.model


class Shape(Protocol):
    """One shape; `members` exists for structures, `member` for lists, `key` and `value` for maps."""

    @property
    def name(self) -> str: ...
    @property
    def type_name(self) -> str: ...
    @property
    def serialization(self) -> Mapping[str, object]: ...
    @property
    def metadata(self) -> Mapping[str, object]: ...
    @property
    def members(self) -> "Mapping[str, Shape]": ...
    @property
    def required_members(self) -> Sequence[str]: ...
    @property
    def member(self) -> "Shape": ...
    @property
    def key(self) -> "Shape": ...
    @property
    def value(self) -> "Shape": ...


class OperationModel(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def http(self) -> Mapping[str, object]: ...
    @property
    def input_shape(self) -> Shape | None: ...
    @property
    def output_shape(self) -> Shape | None: ...
    @property
    def service_model(self) -> "ServiceModel": ...


class ServiceModel(Protocol):
    @property
    def service_name(self) -> str: ...
    @property
    def metadata(self) -> Mapping[str, object]: ...
    @property
    def operation_names(self) -> Sequence[str]: ...
    @property
    def resolved_protocol(self) -> str: ...
    def operation_model(self, operation_name: str) -> OperationModel: ...


@lru_cache(maxsize=64)
def service_model(service: str) -> ServiceModel:
    """The model of a service by botocore's name for it. Raises botocore's UnknownServiceError."""
    loader = botocore.loaders.Loader(
        extra_search_paths=[botocore.loaders.Loader.BUILTIN_DATA_PATH], include_default_search_paths=False
    )
    description = loader.load_service_model(service, "service-2")
    return cast(ServiceModel, botocore.model.ServiceModel(description, service))


def payload_member(shape: Shape) -> str | None:
    """The member that is the whole HTTP body, when there is one."""
    payload = shape.serialization.get("payload")
    return payload if isinstance(payload, str) else None


def wire_name(member: str, shape: Shape) -> str:
    """What a member is called on the wire."""
    name = shape.serialization.get("name")
    return name if isinstance(name, str) else member
