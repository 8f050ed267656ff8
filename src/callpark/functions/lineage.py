"""Recursive loops: how often a function has been invoked in one chain of requests. Pure.

The chain travels in the trace header, which SDKs pass on from inside a function. callpark adds a `Lineage` part of its
own form: `Lineage=<function>:<count>`, several joined by `|`. Called by `service.py` for every run.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

import hashlib
from functools import lru_cache
from urllib.parse import unquote

_PART = "Lineage="
_LONGEST = 2_048
_FUNCTIONS = 32


def step(header: str | None, arn: str, root: str) -> tuple[str, int]:
    """The trace header that a run of `arn` is given, and how often the function has now been invoked in this chain.
    `root` is the trace's own part when the caller sent none."""
    mark = _mark(arn)
    if header is None:
        return f"{root};{_PART}{mark}:1", 1
    parts, counts = _read(header)
    count = counts.pop(mark, 0) + 1
    kept = list(counts.items())[-_FUNCTIONS + 1 :]
    lineage = "|".join(f"{name}:{number}" for name, number in (*kept, (mark, count)))
    return ";".join((*(parts or [root]), f"{_PART}{lineage}")), count


def count(header: str | None, arn: str) -> int:
    """How often the function was invoked in this chain so far."""
    return 0 if header is None or _PART not in header else _read(header)[1].get(_mark(arn), 0)


def _read(header: str) -> tuple[list[str], dict[str, int]]:
    """The header's other parts, and the counts by function. What cannot be read counts for nothing."""
    parts: list[str] = []
    counts: dict[str, int] = {}
    # SDKs percent-encode what HTTP would allow, the bar among them.
    text = unquote(header) if "%" in header else header
    for part in text[:_LONGEST].split(";"):
        if not part.startswith(_PART):
            parts += [part] if part else []
            continue
        for entry in part.removeprefix(_PART).split("|"):
            name, _, number = entry.partition(":")
            if number.isascii() and number.isdigit() and len(number) < 7:
                counts[name] = int(number)
    return parts, counts


@lru_cache(maxsize=4_096)
def _mark(arn: str) -> str:
    return hashlib.sha256(arn.encode()).hexdigest()[:8]
