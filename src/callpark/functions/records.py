"""Functions and layers as rows of the store. Pure; used by `catalogue.py` and `layers.py`.

Rows written by an earlier callpark lack the later members, so those have defaults.
"""

from collections.abc import Callable
from dataclasses import fields, replace

import msgspec

from callpark.functions.model import (
    Alias,
    Archive,
    Code,
    CodeIdentity,
    DatedEventInvokeConfig,
    Function,
    FunctionConfiguration,
    FunctionDefinition,
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
    archive: Archive | None
    identity: CodeIdentity
    revision_id: str
    last_modified: float
    basis: str
    inert: dict[str, object]


class _Function(msgspec.Struct, frozen=True):
    configuration: FunctionConfiguration
    archive: Archive | None
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
_layer = msgspec.json.Decoder(_Layer).decode
_SAME = tuple(name for name in _Function.__struct_fields__ if name not in ("archive", "versions"))
_VERSION_SAME = tuple(name for name in _Version.__struct_fields__ if name != "archive")
_LAYER_SAME = tuple(name for name in _Layer.__struct_fields__ if name != "archive")
assert {f.name for f in fields(Function)} == {*_SAME, "code", "versions", "declared"}
assert {f.name for f in fields(Version)} == {*_VERSION_SAME, "code"}
assert {f.name for f in fields(LayerVersion)} == {*_LAYER_SAME, "code", "declared"}


def function_row(function: Function) -> bytes:
    return _row(function, _archive)


def function_of(row: bytes) -> Function:
    return _read(row, None)


def amendment_row(function: Function) -> bytes:
    """Of a function that the project declares: what is the project's own code is left out."""
    return _row(function, lambda owner: owner.code if isinstance(owner.code, Archive) else None)


def amended(declared: Function, row: bytes) -> Function:
    """A function as the API has changed it; `declared` is what this node's project says."""
    return replace(_read(row, declared.code), declared=True)


def definition_said(definition: FunctionDefinition, identity: CodeIdentity) -> bytes:
    """What a project says of a function, the same at all nodes: where its code lies and since when is not."""
    said = {field.name: getattr(definition, field.name) for field in fields(definition) if field.name != "code"}
    return msgspec.json.encode([said, identity.size], order="sorted")


def layer_row(layer: LayerVersion) -> bytes:
    return msgspec.json.encode({**{name: getattr(layer, name) for name in _LAYER_SAME}, "archive": _archive(layer)})


def layer_of(row: bytes) -> LayerVersion:
    kept = _layer(row)
    return LayerVersion(code=kept.archive, **{name: getattr(kept, name) for name in _LAYER_SAME})


def _row(function: Function, archive: Callable[[Function | Version], Archive | None]) -> bytes:
    return msgspec.json.encode(
        {
            **{name: getattr(function, name) for name in _SAME},
            "archive": archive(function),
            "versions": {
                number: {**{name: getattr(version, name) for name in _VERSION_SAME}, "archive": archive(version)}
                for number, version in function.versions.items()
            },
        }
    )


def _read(row: bytes, own: Code | None) -> Function:
    kept = _function(row)
    versions = {
        number: Version(code=_code(version.archive, own), **{name: getattr(version, name) for name in _VERSION_SAME})
        for number, version in kept.versions.items()
    }
    return Function(code=_code(kept.archive, own), versions=versions, **{name: getattr(kept, name) for name in _SAME})


def _code(archive: Archive | None, own: Code | None) -> Code:
    code = archive or own
    if code is None:
        raise RuntimeBug("a row of a function has no archive")
    return code


def _archive(owner: Function | Version | LayerVersion) -> Archive:
    if not isinstance(owner.code, Archive):
        raise RuntimeBug(f"{owner} is stored without an archive")
    return owner.code
