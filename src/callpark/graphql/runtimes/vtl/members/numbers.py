"""java.lang.Integer and Long (one here), Double, Boolean, with the static methods that templates reach through a value:
`#set($Integer = 0) $Integer.parseInt("5")`.
"""

import math

from callpark.graphql.runtimes.vtl.failures import JavaException
from callpark.graphql.runtimes.vtl.members.method import Table, as_number, as_text, as_whole, method
from callpark.graphql.runtimes.vtl.printing import text_of
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.values import equals

_LONGEST = 400


def _parse_whole(run: Run, self: object, value: object, radix: object = 10) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = as_text(value)
    try:
        if len(text) > _LONGEST or text != text.strip() or "_" in text:
            raise ValueError
        return int(text, as_whole(radix))
    except ValueError:
        raise JavaException(f'java.lang.NumberFormatException: For input string: "{text[:80]}"') from None


def _parse_double(run: Run, self: object, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    text = as_text(value)
    try:
        if "_" in text or len(text) > _LONGEST:
            raise ValueError
        return float(text)
    except ValueError:
        raise JavaException(f'java.lang.NumberFormatException: For input string: "{text[:80]}"') from None


def _compare(left: object, right: object) -> int:
    mine, theirs = as_number(left), as_number(right)
    return (mine > theirs) - (mine < theirs)


def _truncated(run: Run, self: float) -> int:
    """Java's cast to long."""
    if math.isnan(self):
        return 0
    return max(-(2**63), min(2**63 - 1, int(self))) if math.isfinite(self) else (2**63 - 1 if self > 0 else -(2**63))


def _hash(run: Run, self: int) -> int:
    """An Integer is its own hash, a Long folds its halves."""
    if -(2**31) <= self < 2**31:
        return self
    folded = (self ^ (self >> 32)) & 0xFFFFFFFF
    return folded - 2**32 if folded >= 2**31 else folded


def _text(run: Run, self: object, value: object = None) -> str:
    return text_of(run, self if value is None else value)


_BOTH: Table = {
    "intValue": method(_truncated),
    "longValue": method(_truncated),
    "shortValue": method(_truncated),
    "byteValue": method(_truncated),
    "doubleValue": method(lambda run, self: float(self)),
    "floatValue": method(lambda run, self: float(self)),
    "compareTo": method(lambda run, self, other: _compare(self, other), 1),
    "compare": method(lambda run, self, one, other: _compare(one, other), 2),
    "equals": method(equals, 1),
    "toString": method(_text, 0, 1),
    "max": method(lambda run, self, one, other: max(as_number(one), as_number(other)), 2),
    "min": method(lambda run, self, one, other: min(as_number(one), as_number(other)), 2),
    "sum": method(lambda run, self, one, other: as_number(one) + as_number(other), 2),
}

WHOLE: Table = {
    **_BOTH,
    "intValue": method(lambda run, self: self),
    "longValue": method(lambda run, self: self),
    "hashCode": method(_hash),
    "parseInt": method(_parse_whole, 1, 2),
    "parseLong": method(_parse_whole, 1, 2),
    "valueOf": method(_parse_whole, 1, 2),
    "signum": method(lambda run, self, value: (as_whole(value) > 0) - (as_whole(value) < 0), 1),
    "toBinaryString": method(lambda run, self, value: f"{as_whole(value) & 0xFFFFFFFF:b}", 1),
    "toHexString": method(lambda run, self, value: f"{as_whole(value) & 0xFFFFFFFF:x}", 1),
}

REAL: Table = {
    **_BOTH,
    "isNaN": method(lambda run, self: math.isnan(self)),
    "isInfinite": method(lambda run, self: math.isinf(self)),
    "parseDouble": method(_parse_double, 1),
    "parseFloat": method(_parse_double, 1),
    "valueOf": method(_parse_double, 1),
}

BOOLEAN: Table = {
    "booleanValue": method(lambda run, self: self),
    "compareTo": method(lambda run, self, other: int(self) - int(other is True), 1),
    "equals": method(equals, 1),
    "toString": method(_text, 0, 1),
    "parseBoolean": method(lambda run, self, text: text is not None and as_text(text).lower() == "true", 1),
    "valueOf": method(
        lambda run, self, text: text is True or (text is not False and as_text(text).lower() == "true"), 1
    ),
}
