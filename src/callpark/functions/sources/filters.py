"""EventBridge's pattern language, compiled to closures, and how mappings apply it to SQS records. Pure.

Called by `settings.py` to check patterns and by `poller.py` for each record. A pattern is a mapping of member → nested
pattern or list of rules, one of which must hold; `$or` is a list of patterns. Members of an array are tried one by one.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html

A pattern whose `body` is a mapping is for JSON bodies, one whose `body` is a list of rules is for plain text; the other
kind of body never matches.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import orjson

Matcher: TypeAlias = Callable[[object], bool]

_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}
_LARGEST_NUMBER = 5e9
_DEEPEST = 64


class BadPattern(ValueError):
    """The text is not a pattern; says why, for people."""


class _Absent:
    """A member that the event does not have."""


_ABSENT = _Absent()


def record_filter(patterns: Sequence[str]) -> Callable[[Mapping[str, object]], bool]:
    """Whether a record passes any of the patterns; all pass when there are none. Raises BadPattern."""
    compiled = [_record_pattern(_parsed(text)) for text in patterns]
    return lambda record: not compiled or any(matches(record) for matches in compiled)


def pattern(text: str) -> Matcher:
    """A pattern for any event. Raises BadPattern."""
    return _mapping(_parsed(text), 0)


def _parsed(text: str) -> dict[str, object]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadPattern("the pattern is not JSON") from None
    if not isinstance(found, dict) or not found:
        raise BadPattern("a pattern is a mapping with at least one member")
    return found


def _record_pattern(given: Mapping[str, object]) -> Callable[[Mapping[str, object]], bool]:
    """Each alternative of `$or` may be about another kind of body, so the record is given with both at hand."""
    return _mapping(given, 0, body=_body)


def _body(rules: object, depth: int) -> Matcher:
    matches = _member(rules, depth)
    for_json = isinstance(rules, Mapping)

    def holds(body: object) -> bool:
        document = _document(body)
        if for_json:
            return document is not None and matches(document)
        return document is None and matches(body)

    return holds


def _document(body: object) -> object:
    """What a JSON body says; None for plain text. Numbers and words are plain text: they have no members."""
    if not isinstance(body, str) or body.lstrip()[:1] not in ("{", "["):
        return None
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict | list) else None


def _mapping(given: object, depth: int, body: Callable[[object, int], Matcher] | None = None) -> Matcher:
    if not isinstance(given, Mapping) or not given:
        raise BadPattern("an empty mapping matches nothing")
    if depth > _DEEPEST:
        raise BadPattern("the pattern is nested too deeply")
    alternatives: list[Matcher] | None = None
    members: list[tuple[str, Matcher]] = []
    for name, rules in given.items():
        if name == "$or" and _is_alternatives(rules):
            assert isinstance(rules, Sequence)
            alternatives = [_mapping(alternative, depth + 1, body) for alternative in rules]
        elif name == "body" and body is not None:
            members.append((name, body(rules, depth + 1)))
        else:
            members.append((name, _member(rules, depth + 1)))

    def matches(event: object) -> bool:
        if isinstance(event, list) and event:
            return any(matches(element) for element in event)
        if not isinstance(event, Mapping):
            event = _NOTHING
        return all(holds(event.get(name, _ABSENT)) for name, holds in members) and (
            alternatives is None or any(holds(event) for holds in alternatives)
        )

    return matches


_NOTHING: Mapping[str, object] = {}


def _is_alternatives(rules: object) -> bool:
    """`$or` is the operator when it lists at least two patterns, else a member of that name."""
    return isinstance(rules, list) and len(rules) > 1 and all(isinstance(rule, Mapping) for rule in rules)


def _member(rules: object, depth: int) -> Matcher:
    if isinstance(rules, Mapping):
        return _mapping(rules, depth)
    if not isinstance(rules, list) or not rules:
        raise BadPattern("a member needs a list of rules or a mapping")
    compiled = [_rule(rule) for rule in rules]
    return lambda value: any(holds(value) for holds in compiled)


def _rule(rule: object) -> Matcher:
    if isinstance(rule, Mapping):
        if len(rule) != 1:
            raise BadPattern("a rule has one operator")
        ((name, operand),) = rule.items()
        if name == "exists":
            return _exists(operand)
        return _each(_operator(str(name), operand))
    if isinstance(rule, list):
        raise BadPattern("lists of rules cannot be nested")
    return _each(_equal(rule))


def _each(holds: Matcher) -> Matcher:
    """Leaves only; an array when any of its elements does."""

    def matches(value: object) -> bool:
        if isinstance(value, list):
            return any(matches(element) for element in value)
        return not isinstance(value, dict | _Absent) and holds(value)

    return matches


def _exists(wanted: object) -> Matcher:
    if not isinstance(wanted, bool):
        raise BadPattern("exists needs true or false")
    return lambda value: _is_leaf(value) is wanted


def _is_leaf(value: object) -> bool:
    """Whether there is a value at the end of the path; a mapping is on the way only."""
    if isinstance(value, list):
        return any(_is_leaf(element) for element in value)
    return not isinstance(value, dict | _Absent)


def _equal(wanted: object) -> Matcher:
    if wanted is None or isinstance(wanted, bool):
        return lambda value: value is wanted
    if isinstance(wanted, int | float):
        return lambda value: _is_number(value) and value == wanted
    return lambda value: isinstance(value, str) and value == wanted


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _operator(name: str, operand: object) -> Matcher:
    if name in ("prefix", "suffix"):
        return _edge(name, operand)
    if name == "equals-ignore-case":
        return _ignoring_case(_text(name, operand))
    if name == "wildcard":
        return _wildcard(_text(name, operand))
    if name == "numeric":
        return _numeric(operand)
    if name == "cidr":
        return _cidr(_text(name, operand))
    if name == "anything-but":
        return _anything_but(operand)
    raise BadPattern(f"there is no operator {name!r}")


def _text(name: str, operand: object) -> str:
    if not isinstance(operand, str):
        raise BadPattern(f"{name} needs a text")
    return operand


def _edge(name: str, operand: object) -> Matcher:
    folded = isinstance(operand, Mapping) and set(operand) == {"equals-ignore-case"}
    if folded:
        assert isinstance(operand, Mapping)
        operand = operand["equals-ignore-case"]
    wanted = _text(name, operand)
    if folded:
        wanted = wanted.casefold()

    def holds(value: object) -> bool:
        if not isinstance(value, str):
            return False
        text = value.casefold() if folded else value
        return text.startswith(wanted) if name == "prefix" else text.endswith(wanted)

    return holds


def _ignoring_case(wanted: str) -> Matcher:
    folded = wanted.casefold()
    return lambda value: isinstance(value, str) and value.casefold() == folded


def _wildcard(wanted: str) -> Matcher:
    """`*` is any run of characters; a backslash takes the meaning of `*` and of itself away."""
    parts = [""]
    rest = iter(wanted)
    for character in rest:
        if character == "\\":
            escaped = next(rest, "")
            if escaped not in ("*", "\\"):
                raise BadPattern("in a wildcard a backslash stands before * or another backslash")
            parts[-1] += escaped
        elif character == "*":
            if parts[-1] == "" and len(parts) > 1:
                raise BadPattern("a wildcard cannot have two * in a row")
            parts.append("")
        else:
            parts[-1] += character
    return lambda value: isinstance(value, str) and _glob(parts, value)


def _glob(parts: Sequence[str], value: str) -> bool:
    """In linear time, whatever the text: a regular expression with many stars would not be."""
    if len(parts) == 1:
        return value == parts[0]
    first, *between, last = parts
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for part in between:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _numeric(operand: object) -> Matcher:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise BadPattern("numeric needs one or two comparisons")
    comparisons = []
    for operator, bound in zip(operand[::2], operand[1::2], strict=True):
        if operator not in _OPERATORS or not _is_number(bound) or not abs(bound) <= _LARGEST_NUMBER:
            raise BadPattern('numeric needs comparisons such as ">", 0, with numbers up to 5,000,000,000')
        comparisons.append((_OPERATORS[operator], float(bound)))
    if len(comparisons) == 2 and {operand[0][0], operand[2][0]} != {"<", ">"}:
        raise BadPattern("two comparisons of numeric are a lower and an upper bound")
    return lambda value: (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and all(compare(value, bound) for compare, bound in comparisons)
    )


_ADDRESS = re.compile(r"[0-9a-fA-F.:]{2,45}")


def _cidr(text: str) -> Matcher:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BadPattern(f"{text!r} is no CIDR") from None

    def holds(value: object) -> bool:
        if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
            return False
        try:
            return ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return holds


def _anything_but(operand: object) -> Matcher:
    """Any leaf that none of the alternatives is."""
    unwanted = _unwanted(operand)
    return lambda value: not any(holds(value) for holds in unwanted)


def _unwanted(operand: object) -> list[Matcher]:
    if not isinstance(operand, Mapping):
        values = operand if isinstance(operand, list) else [operand]
        if not values or not all(isinstance(value, str) or _is_number(value) for value in values):
            raise BadPattern("anything-but needs texts or numbers")
        return [_equal(value) for value in values]
    if len(operand) != 1:
        raise BadPattern("anything-but has one operator")
    ((name, inner),) = operand.items()
    if name not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
        raise BadPattern(f"anything-but does not know {name!r}")
    values = inner if isinstance(inner, list) else [inner]
    if not values:
        raise BadPattern("anything-but needs a text")
    return [_operator(str(name), value) for value in values]
