"""Spans of time as people write and read them."""

import re

from callpark.kernel.errors import ProjectError

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw]?)")


def seconds(text: str) -> float:
    """`90`, `90s`, `10m`, `2h`, `1d`, `1w`. Raises ProjectError."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ProjectError(f"not a span of time: {text!r}", "write 30s, 10m, 2h, 1d or 1w")
    return float(found[1]) * _UNITS[found[2]]


def told(span: float) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if span < 10:
        return f"{max(0.0, span):.1f} s"
    whole = round(span)
    for unit, size, smaller, below in (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1)):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"
