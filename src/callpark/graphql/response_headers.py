"""Headers that resolvers add to the HTTP answer: `util.http.addResponseHeader`. Pure; called by `service.py`.

Names and values come from resolvers, often from clients: what could break out of its line is left out.
https://docs.aws.amazon.com/appsync/latest/devguide/http-helpers-in-utils-http.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import cast

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def response_headers(
    effects: Iterable[Mapping[str, object]], most_bytes: int
) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """Headers in the order of their first definition, the last value of each; and what was left out, for the log."""
    found: dict[str, tuple[str, str]] = {}
    left_out: list[str] = []
    for effect in effects:
        if effect["name"] != "addResponseHeader":
            continue
        name, value, *_ = (str(each) for each in cast(list[object], effect["parameters"]))
        if _NAME.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
            left_out.append(f"the response header {name[:80]!r} cannot be sent as HTTP")
            continue
        found[name.lower()] = (name, value)
    size = 0
    kept: list[tuple[str, str]] = []
    for name, value in found.values():
        size += len(name) + len(value)
        if size > most_bytes:
            left_out.append(f"the response header {name!r} exceeds {most_bytes} bytes of added headers")
        else:
            kept.append((name, value))
    return tuple(kept), tuple(left_out)
