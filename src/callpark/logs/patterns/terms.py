"""Patterns of terms: `ERROR "out of memory" -retry`, or `?ERROR ?WARN`. Pure; called by `parse.py`.

All plain terms must occur, no excluded one may, and of optional ones at least one must. Terms are case-sensitive and
found anywhere in the message (our rule: AWS does not say what bounds a term).
"""

import re
from collections.abc import Callable

from callpark.logs.refusals import invalid_parameter, not_offered

_TERM = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?=\s|$)', re.DOTALL)
_SPACE = re.compile(r"\s+")
_PLAIN = re.compile(r"\w+")


def terms(pattern: str) -> Callable[[str], bool]:
    """Raises CallerError."""
    required: list[str] = []
    optional: list[str] = []
    excluded: list[str] = []
    by_sign = {"": required, "?": optional, "-": excluded}
    for sign, term in _read(pattern):
        by_sign[sign].append(term)
    if optional and (required or excluded):
        raise not_offered('the combination of "?" terms with others in one filter pattern')

    def matches(message: str) -> bool:
        return (
            all(term in message for term in required)
            and not any(term in message for term in excluded)
            and (not optional or any(term in message for term in optional))
        )

    return matches


def _read(pattern: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    place = 0
    while place < len(pattern):
        space = _SPACE.match(pattern, place)
        if space is not None:
            place = space.end()
            continue
        term = _TERM.match(pattern, place)
        if term is None:
            raise invalid_parameter(f"Invalid filter pattern at character {place + 1}")
        sign, quoted, plain = term.groups()
        if plain is not None:
            if plain.startswith("%"):
                raise not_offered("regular expressions (%…%) in filter patterns")
            if _PLAIN.fullmatch(plain) is None:
                raise invalid_parameter(f"Invalid character(s) in term '{plain}': put it in double quotes")
        found.append((sign, plain if plain is not None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)))
        place = term.end()
    return found
