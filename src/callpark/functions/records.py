"""Functions and layers as rows of the store. Pure; used by `catalogue.py` and `layers.py`.

Rows written by an earlier callpark lack the later members, so those have defaults.
"""

from dataclasses import fields, replace

import msgspec

from callpark.functions.model import (
    Alias,
    Archive,
    CodeIdentity,
    DatedEventInvokeConfig,
    Function,
    FunctionConfiguration,
    FunctionUrl,
    LayerVersion,
    Policy,
    ProvisionedConcurrency,
    RecursiveLoop,
    Version,
)
from callpark.kernel.errors import RuntimeBug


class _Version(msgspec.Struct, frozen=True):
    number: str
    configuration: FunctionConfiguration
    archive: Archive
    identity: CodeIdentity
    revision_id: str
    last_modified: float
    basis: str
    inert: dict[str, object]


class _Function(msgspec.Struct, frozen=True):
    configuration: FunctionConfiguration
    archive: Archive
    identity: CodeIdentity
    revision_id: str
    last_modified: float
    reserved_concurrency: int | None
    event_invoke_configs: dict[str, DatedEventInvokeConfig]
    tags: dict[str, str]
    inert: dict[str, object]
    versions: dict[str, _Version] = {}
    aliases: dict[str, Alias] = {}
    provisioned: dict[str, ProvisionedConcurrency] = {}
    urls: dict[str, FunctionUrl] = {}
    policies: dict[str, Policy] = {}
    recursive_loop: RecursiveLoop = "Terminate"
    published: int = 0


class _Settings(msgspec.Struct, frozen=True):
    reserved_concurrency: int | None
    event_invoke_configs: dict[str, DatedEventInvokeConfig]
    tags: dict[str, str]
    provisioned: dict[str, ProvisionedConcurrency]
    urls: dict[str, FunctionUrl]
    policies: dict[str, Policy]
    recursive_loop: RecursiveLoop


class _Layer(msgspec.Struct, frozen=True):
    name: str
    number: int
    archive: Archive
    identity: CodeIdentity
    created: float
    description: str
    compatible_runtimes: tuple[str, ...]
    compatible_architectures: tuple[str, ...]
    license_info: str
    policy: Policy | None
    deleted: bool = False


_function = msgspec.json.Decoder(_Function).decode
_settings = msgspec.json.Decoder(_Settings).decode
_layer = msgspec.json.Decoder(_Layer).decode
_SAME = tuple(name for name in _Function.__struct_fields__ if name not in ("archive", "versions"))
_VERSION_SAME = tuple(name for name in _Version.__struct_fields__ if name != "archive")
_LAYER_SAME = tuple(name for name in _Layer.__struct_fields__ if name != "archive")
assert {f.name for f in fields(Function)} == {*_SAME, "code", "versions", "declared"}
assert {f.name for f in fields(Version)} == {*_VERSION_SAME, "code"}
assert {f.name for f in fields(LayerVersion)} == {*_LAYER_SAME, "code", "declared"}


def function_row(function: Function) -> bytes:
    return msgspec.json.encode(
        {
            **{name: getattr(function, name) for name in _SAME},
            "archive": _archive(function),
            "versions": {number: _version_row(version) for number, version in function.versions.items()},
        }
    )


def function_of(row: bytes) -> Function:
    kept = _function(row)
    versions = {
        number: Version(code=version.archive, **{name: getattr(version, name) for name in _VERSION_SAME})
        for number, version in kept.versions.items()
    }
    return Function(code=kept.archive, versions=versions, **{name: getattr(kept, name) for name in _SAME})


def settings_row(function: Function) -> bytes:
    """What the API may change of a function beside code, configuration and versions."""
    return msgspec.json.encode({name: getattr(function, name) for name in _Settings.__struct_fields__})


def with_settings(function: Function, row: bytes) -> Function:
    settings = _settings(row)
    return replace(function, **{name: getattr(settings, name) for name in _Settings.__struct_fields__})


def layer_row(layer: LayerVersion) -> bytes:
    return msgspec.json.encode({**{name: getattr(layer, name) for name in _LAYER_SAME}, "archive": _archive(layer)})


def layer_of(row: bytes) -> LayerVersion:
    kept = _layer(row)
    return LayerVersion(code=kept.archive, **{name: getattr(kept, name) for name in _LAYER_SAME})


def _version_row(version: Version) -> dict[str, object]:
    return {**{name: getattr(version, name) for name in _VERSION_SAME}, "archive": _archive(version)}


def _archive(owner: Function | Version | LayerVersion) -> Archive:
    if not isinstance(owner.code, Archive):
        raise RuntimeBug(f"{owner} is stored without an archive")
    return owner.code
