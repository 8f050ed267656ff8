"""A template's text → plain values, with the line of each.

`template.py` calls `read_yaml` and `read_json`. YAML is built from the parser's events, not from its node tree: the
depth is ours to bound, and aliases are counted as often as they are expanded, so that a small file cannot become a big
one. CloudFormation's short tags (`!Ref x`) become the long form (`{"Ref": "x"}`).
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import yaml

from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ProjectLimits

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
Place: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of the document down to a value."""

_SHORT_TAGS = frozenset(
    {
        *("And", "Base64", "Cidr", "Equals", "FindInMap", "GetAZs", "GetAtt", "If", "ImportValue", "Join", "Length"),
        *("Not", "Or", "Select", "Split", "Sub", "ToJsonString", "Transform"),
    }
)
_CORE = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    """`lines` count from 1; a place that is missing there lies in the line of its nearest parent."""

    values: dict[str, Value]
    lines: Mapping[Place, int]


def read_json(text: str, name: str, limits: ProjectLimits) -> Document:
    """Raises ProjectError. JSON templates are made by tools: their lines are not kept."""
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise ProjectError(
            f"{name}:{error.lineno}:{error.colno}: the JSON cannot be read: {error.msg}", "correct the file there"
        ) from None
    except (RecursionError, ValueError) as error:
        raise ProjectError(f"{name}: the JSON cannot be read: {error}", "make the file simpler") from None
    _measure(values, name, limits)
    return Document(_top(values, name), {})


def read_yaml(text: str, name: str, limits: ProjectLimits) -> Document:
    """Raises ProjectError with line and column."""
    builder = _Builder(name, limits)
    try:
        values = builder.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        spot = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        problem = error.problem or error.context or "not YAML"
        raise ProjectError(
            f"{spot}: the YAML cannot be read: {problem}", "correct the file there; look at indentation and quotes"
        ) from None
    except yaml.YAMLError as error:
        raise ProjectError(f"{name}: the YAML cannot be read: {error}", "save the file as UTF-8 text") from None
    return Document(_top(values, name), builder.lines)


_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _top(values: Value, name: str) -> dict[str, Value]:
    if not isinstance(values, dict):
        raise ProjectError(
            f"{name}: a template is a mapping at the top, not {_kind(values)}", "start it with `Resources:`"
        )
    return values


def _kind(value: Value) -> str:
    names = {dict: "a mapping", list: "a list", str: "a text", type(None): "nothing", bool: "true or false"}
    return names.get(type(value), "a number")


def _measure(values: Value, name: str, limits: ProjectLimits) -> None:
    nodes, level = 0, [values]
    for _ in range(limits.template_depth):
        nodes += len(level)
        if not all(_encodable(value) for value in level):
            raise ProjectError(
                f"{name}: a text holds half of a surrogate pair (\\ud800 to \\udfff)", "write the whole character"
            )
        level = [child for parent in level for child in _children(parent)]
        if not level:
            break
    else:
        raise _too_deep(name, limits)
    if nodes > limits.template_nodes:
        raise _too_many(name, limits)


def _encodable(value: Value) -> bool:
    """Whether a text, or a mapping's keys, can be written as UTF-8 again; JSON's escapes may say what cannot."""
    texts = value if isinstance(value, dict) else (value,) if isinstance(value, str) else ()
    try:
        for text in texts:
            text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _children(value: Value) -> Iterator[Value]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _too_deep(spot: str, limits: ProjectLimits) -> ProjectError:
    return ProjectError(
        f"{spot}: the template is nested deeper than {limits.template_depth} levels",
        "make it flatter, or start with --limit project.template_depth=…",
    )


def _too_many(spot: str, limits: ProjectLimits) -> ProjectError:
    return ProjectError(
        f"{spot}: the template holds more than {limits.template_nodes} values, aliases expanded",
        "expand fewer aliases, or start with --limit project.template_nodes=…",
    )


def _implicit_tag(text: str) -> str:
    """YAML 1.1's reading of a plain scalar."""
    resolvers: Mapping[str, list[tuple[str, re.Pattern[str]]]] = yaml.SafeLoader.yaml_implicit_resolvers
    for tag, pattern in resolvers.get(text[:1], []):
        if pattern.match(text):
            return tag
    return f"{_CORE}str"


class _Builder:
    """Events in, plain values out; `lines` fills up on the way."""

    def __init__(self, name: str, limits: ProjectLimits) -> None:
        self.lines: dict[Place, int] = {}
        self._name = name
        self._limits = limits
        self._nodes = 0
        self._anchors: dict[str, tuple[Value, int]] = {}
        self._scalars = yaml.SafeLoader("")

    def document(self, events: Iterator[yaml.Event]) -> Value:
        values: Value = {}
        seen = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                seen += 1
                if seen > 1:
                    raise self._error(event, "a second document begins here", "keep one document in the file")
            elif isinstance(event, yaml.NodeEvent):
                values = self._node(event, events, ())
        return values

    def _error(self, event: yaml.Event, problem: str, remedy: str) -> ProjectError:
        return ProjectError(f"{self._spot(event)}: {problem}", remedy)

    def _spot(self, event: yaml.Event) -> str:
        mark = event.start_mark
        return f"{self._name}:{mark.line + 1}:{mark.column + 1}" if mark else self._name

    def _count(self, event: yaml.Event, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > self._limits.template_nodes:
            raise _too_many(self._spot(event), self._limits)

    def _node(self, event: yaml.NodeEvent, events: Iterator[yaml.Event], place: Place) -> Value:
        if len(place) > self._limits.template_depth:
            raise _too_deep(self._spot(event), self._limits)
        if event.start_mark:
            self.lines.setdefault(place, event.start_mark.line + 1)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        before = self._nodes
        self._count(event, 1)
        value = self._tagged(event, events, place)
        if event.anchor:
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _alias(self, event: yaml.AliasEvent) -> Value:
        if event.anchor not in self._anchors:
            raise self._error(event, f"the alias *{event.anchor} has no anchor before it", f"write &{event.anchor}")
        value, nodes = self._anchors[event.anchor]
        self._count(event, nodes)
        return copy.deepcopy(value)

    def _tagged(self, event: yaml.NodeEvent, events: Iterator[yaml.Event], place: Place) -> Value:
        tag: str | None = getattr(event, "tag", None)
        if not tag or tag == "!" or tag.startswith(_CORE):
            return self._plain(event, events, place)
        name = tag.removeprefix("!")
        if name in ("Ref", "Condition"):
            return {name: self._plain(event, events, (*place, name))}
        if name not in _SHORT_TAGS or not tag.startswith("!"):
            raise self._error(event, f"the tag {tag} is unknown", "use a CloudFormation function such as !Ref or !Sub")
        function = f"Fn::{name}"
        value = self._plain(event, events, (*place, function))
        if name == "GetAtt" and isinstance(value, str):
            return {function: list(value.split(".", 1))}
        return {function: value}

    def _plain(self, event: yaml.NodeEvent, events: Iterator[yaml.Event], place: Place) -> Value:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, place)
        return self._mapping(events, place)

    def _scalar(self, event: yaml.ScalarEvent) -> Value:
        tag = event.tag
        if not tag or not tag.startswith(_CORE):
            plain = not event.style and not tag
            tag = _implicit_tag(event.value) if plain else f"{_CORE}str"
        # A date stays what was written: CloudFormation has no timestamps.
        if tag.removeprefix(_CORE) not in ("null", "bool", "int", "float"):
            return str(event.value)
        try:
            value: Value = self._scalars.construct_object(yaml.ScalarNode(tag, event.value, None, None))
        except (ValueError, KeyError, IndexError, OverflowError):
            raise self._error(event, f"{event.value!r} is not a {tag.removeprefix(_CORE)}", "quote it") from None
        return value

    def _sequence(self, events: Iterator[yaml.Event], place: Place) -> list[Value]:
        items: list[Value] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            if isinstance(event, yaml.NodeEvent):
                items.append(self._node(event, events, (*place, len(items))))
        return items

    def _mapping(self, events: Iterator[yaml.Event], place: Place) -> dict[str, Value]:
        values: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            if not isinstance(event, yaml.NodeEvent):
                continue
            key = self._key(event)
            inner = (*place, key)
            if event.start_mark:
                self.lines[inner] = event.start_mark.line + 1
            following = next(events)
            if not isinstance(following, yaml.NodeEvent):
                raise self._error(event, f"the key {key!r} has no value", "give it one")
            value = self._node(following, events, inner)
            if key == "<<":
                merged = {**self._merge(event, value), **merged}
            elif key in values:
                raise self._error(event, f"the key {key!r} stands twice in this mapping", "remove one of them")
            else:
                values[key] = value
        return {**merged, **values}

    def _key(self, event: yaml.NodeEvent) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise self._error(event, "a key of a mapping must be a text", "quote it if it begins with [, {, * or &")
        return str(event.value)

    def _merge(self, event: yaml.NodeEvent, value: Value) -> dict[str, Value]:
        parts = value if isinstance(value, list) else [value]
        merged: dict[str, Value] = {}
        for part in reversed(parts):
            if not isinstance(part, dict):
                raise self._error(event, "<< merges mappings only", "name an anchor of a mapping, as in <<: *base")
            merged |= part
        return merged
