"""Enhanced subscription filters: what `extensions.setSubscriptionFilter` was given, against a published value. Pure.

Called by `hub.py` for subscriptions that have a filter; it then replaces matching by arguments. `service.py` refuses
those with an `excess`.
https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-enhanced-filtering.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from callpark.graphql.realtime.matching import equal
from callpark.kernel.limits import AppSyncLimits

#: Deeper paths are ignored, as AppSync ignores them.
MAXIMUM_LEVELS = 5


def passes(filter: Mapping[str, object], value: object) -> bool:
    """Filters inside a group must all hold, of the groups any. A filter without groups lets everything through; a
    published list is no object to look into, and is never delivered to filtered subscriptions."""
    groups = filter.get("filterGroup")
    if not isinstance(groups, Sequence) or not groups:
        return True
    return isinstance(value, Mapping) and any(_group_holds(group, value) for group in groups)


def surprises(filter: Mapping[str, object]) -> Iterator[str]:
    """What in a filter does not do what its author thinks, in words."""
    groups = filter.get("filterGroup")
    if not isinstance(groups, Sequence):
        yield "it has no filterGroup, so everything is delivered"
        return
    for each in _filters(filter):
        field, operator = str(each.get("fieldName", "")), str(each.get("operator"))
        if operator not in OPERATORS:
            yield f"{field}: there is no operator {operator}, so nothing passes; there is {', '.join(OPERATORS)}"
        if field.count(".") >= MAXIMUM_LEVELS:
            yield f"{field} has more than {MAXIMUM_LEVELS} levels and is ignored, as AppSync ignores it"


def excess(filter: Mapping[str, object], limits: AppSyncLimits) -> str | None:
    """What AppSync says of an operator with more values than it takes; None when there is none. The sentence and the 5
    of `in` are recorded from the live service, the 20 is what a client has reported, `notIn` is assumed to be alike."""
    most = {
        "in": limits.filter_values,
        "notIn": limits.filter_values,
        "containsAny": limits.filter_contained_values,
    }
    for each in _filters(filter):
        operator, value = str(each.get("operator")), each.get("value")
        if operator in most and isinstance(value, list | tuple) and len(value) > most[operator]:
            return f"subscription exceeds maximum value limit {most[operator]} for operator `{operator}`."
    return None


def _filters(filter: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    groups = filter.get("filterGroup")
    for group in groups if isinstance(groups, Sequence) else ():
        filters = group.get("filters") if isinstance(group, Mapping) else None
        for each in filters if isinstance(filters, Sequence) else ():
            if isinstance(each, Mapping):
                yield each


def _group_holds(group: object, value: Mapping[str, object]) -> bool:
    filters = group.get("filters") if isinstance(group, Mapping) else None
    return isinstance(filters, Sequence) and all(_holds(each, value) for each in filters)


def _holds(filter: object, value: Mapping[str, object]) -> bool:
    if not isinstance(filter, Mapping):
        return False
    path = str(filter.get("fieldName", "")).split(".")
    if len(path) > MAXIMUM_LEVELS:
        return True
    operator = OPERATORS.get(str(filter.get("operator")))
    return operator is not None and operator(_at(value, path), filter.get("value"))


def _at(value: object, path: Sequence[str]) -> object:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _ordered(compare: Callable[[int], bool]) -> Callable[[object, object], bool]:
    """Numbers with numbers, text with text; anything else is not ordered."""

    def holds(found: object, wanted: object) -> bool:
        order = _order(found, wanted)
        return order is not None and compare(order)

    return holds


def _order(one: object, other: object) -> int | None:
    if isinstance(one, bool) or isinstance(other, bool):
        return None
    if isinstance(one, int | float) and isinstance(other, int | float):
        return (one > other) - (one < other)
    if isinstance(one, str) and isinstance(other, str):
        return (one > other) - (one < other)
    return None


def _contains(found: object, wanted: object) -> bool:
    if isinstance(found, str):
        return isinstance(wanted, str) and wanted in found
    return isinstance(found, list) and any(equal(member, wanted) for member in found)


def _does_not_contain(found: object, wanted: object) -> bool:
    return isinstance(found, str | list) and not _contains(found, wanted)


def _begins_with(found: object, wanted: object) -> bool:
    return isinstance(found, str) and isinstance(wanted, str) and found.startswith(wanted)


def _in(found: object, wanted: object) -> bool:
    return isinstance(wanted, list | tuple) and any(equal(found, member) for member in wanted)


def _not_in(found: object, wanted: object) -> bool:
    return isinstance(wanted, list | tuple) and not _in(found, wanted)


def _between(found: object, wanted: object) -> bool:
    if not isinstance(wanted, list | tuple) or len(wanted) != 2:
        return False
    low, high = _order(found, wanted[0]), _order(found, wanted[1])
    return low is not None and high is not None and low >= 0 and high <= 0


def _contains_any(found: object, wanted: object) -> bool:
    return isinstance(wanted, list | tuple) and any(_contains(found, member) for member in wanted)


_at_most, _at_least = _ordered(lambda order: order <= 0), _ordered(lambda order: order >= 0)

#: `lte` and `gte` are the documentation's own slips for `le` and `ge`; both are understood.
OPERATORS: Mapping[str, Callable[[object, object], bool]] = {
    "eq": equal,
    "ne": lambda found, wanted: not equal(found, wanted),
    "lt": _ordered(lambda order: order < 0),
    "le": _at_most,
    "lte": _at_most,
    "gt": _ordered(lambda order: order > 0),
    "ge": _at_least,
    "gte": _at_least,
    "contains": _contains,
    "notContains": _does_not_contain,
    "beginsWith": _begins_with,
    "in": _in,
    "notIn": _not_in,
    "between": _between,
    "containsAny": _contains_any,
}
