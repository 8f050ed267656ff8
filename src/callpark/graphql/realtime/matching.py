"""Whether a published value is what a subscription asked for: its arguments against the value's top-level fields. Pure.

Called by `hub.py`, once per set of equal arguments.
https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-data.html
"""

from collections.abc import Mapping


def matches(arguments: Mapping[str, object], value: object) -> bool:
    """An omitted argument filters nothing, a null one asks for a field that is null or absent, any other for an equal
    field. A value that is no object has no fields."""
    if not arguments:
        return True
    fields: Mapping[str, object] = value if isinstance(value, Mapping) else {}
    return all(equal(wanted, fields.get(name)) for name, wanted in arguments.items())


def equal(one: object, other: object) -> bool:
    """JSON equality: 1 and 1.0 are the same number, true and 1 are not the same value."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(equal(member, other[name]) for name, member in one.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return one == other
