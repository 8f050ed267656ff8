"""The legacy export format: modules with branches and named parameters, as the console wrote it until 2021.

`read_legacy` reads what it says, `convert.py` says it in the flow language. Its shapes are those of exported flows;
AWS has no page about it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from callpark.flows.nesting import deeper_than
from callpark.kernel.errors import ProjectError

_DEPTH = 100


class Unconvertible(ValueError):
    """What is known of the format does not say how to write this. The message is for people."""


@dataclass(frozen=True, slots=True)
class Branch:
    """`condition`: Success, Error, Timeout, NoMatch, Evaluate …; `operator` and `value` of an evaluation."""

    condition: str
    target: str
    operator: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """`namespace`: where the value is looked up by that name; None: the value itself."""

    name: str
    value: object
    key: str = ""
    namespace: str | None = None
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Module:
    """A block. `target`: what a Transfer goes to, how input comes."""

    id: str
    type: str
    target: str
    branches: tuple[Branch, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)

    def all(self, name: str) -> list[Parameter]:
        return [parameter for parameter in self.parameters if parameter.name == name]

    def one(self, name: str) -> Parameter | None:
        return next(iter(self.all(name)), None)

    def text(self, name: str) -> str | None:
        """A parameter as it stands there, None without one."""
        parameter = self.one(name)
        return None if parameter is None or parameter.value in (None, "") else plain(parameter.value)


@dataclass(frozen=True, slots=True)
class Legacy:
    """A whole flow. `type` as the console writes it: contactFlow, customerQueue …"""

    start: str
    type: str
    modules: tuple[Module, ...]
    metadata: Mapping[str, object]


def plain(value: object) -> str:
    """A scalar as the flow language writes it: in text."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    raise Unconvertible(f"the value {orjson.dumps(value).decode()} is no text")


def read_legacy(text: str, name: str) -> Legacy:
    """Raises ProjectError for what is not in the legacy format."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ProjectError(f"{name}: not JSON: {error}", "correct the file") from None
    if deeper_than(document, _DEPTH):
        raise ProjectError(f"{name}: JSON nested deeper than {_DEPTH} levels", "export the flow again")
    listed = document.get("modules") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(listed, list):
        remedy = "only flows with `modules` and `branches` need converting"
        if isinstance(document, dict) and ("Actions" in document or "Content" in document):
            raise ProjectError(f"{name} is in the flow language already", remedy)
        raise ProjectError(f"{name} is not a legacy export", remedy)
    metadata = _object(document.get("metadata"))
    return Legacy(
        start=str(document.get("start") or ""),
        type=str(document.get("type") or metadata.get("type") or "contactFlow"),
        modules=tuple(_read_module(item, name, index) for index, item in enumerate(listed)),
        metadata=metadata,
    )


def _read_module(item: object, name: str, index: int) -> Module:
    module = _object(item)
    identifier, type_ = module.get("id"), module.get("type")
    if not isinstance(identifier, str) or not isinstance(type_, str) or not identifier:
        raise ProjectError(f"{name}: modules[{index}] has no id and type", "export the flow again")
    return Module(
        id=identifier,
        type=type_,
        target=str(module.get("target") or ""),
        branches=tuple(_branches(module.get("branches"))),
        parameters=tuple(_parameters(module.get("parameters"))),
        metadata=_object(module.get("metadata")),
    )


def _branches(value: object) -> Iterator[Branch]:
    for item in _objects(value):
        yield Branch(
            str(item.get("condition") or ""),
            str(item.get("transition") or ""),
            str(item.get("conditionType") or ""),
            "" if item.get("conditionValue") is None else plain(item["conditionValue"]),
        )


def _parameters(value: object) -> Iterator[Parameter]:
    for item in _objects(value):
        namespace = item.get("namespace")
        yield Parameter(
            str(item.get("name") or ""),
            item.get("value"),
            str(item.get("key") or ""),
            None if namespace is None else str(namespace),
            str(item.get("resourceName") or ""),
        )


def _objects(value: object) -> Sequence[Mapping[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else ()


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
