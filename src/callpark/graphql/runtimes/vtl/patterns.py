"""Java's String methods that take regular expressions; the patterns are translated and matched as in JavaScript.

Used by `members/strings.py`.
"""

import re
from typing import Any

from callpark.graphql.runtimes.vtl import library
from callpark.graphql.runtimes.vtl.failures import JavaException
from callpark.graphql.runtimes.vtl.run import Run

_SPECIAL = frozenset("\\^$.|?*+()[]{}")
_MOST_PARTS = 100_000
_CELL = 64


def is_literal(pattern: str) -> bool:
    """The pattern means only itself."""
    return not _SPECIAL & set(pattern)


def matches(run: Run, pattern: str, text: str) -> bool:
    """Whether the whole text matches. Raises JavaException for a pattern that is none, Overrun."""
    return bool(_ask(run, "matches", pattern, text))


def find(run: Run, pattern: str, text: str, most: int = _MOST_PARTS) -> tuple[list[list[str | None]], str]:
    """Up to `most` matches, each the text since the last one, its own text and its groups; and the rest of the text.
    Raises JavaException, Overrun."""
    found, rest = _ask(run, "find", pattern, text, most)
    return found, rest


def _ask(run: Run, name: str, pattern: str, *parameters: object) -> Any:
    try:
        return library.call(run, "pattern", name, pattern, *parameters)
    except library.Refused as refused:
        raise JavaException(f"java.util.regex.PatternSyntaxException: {refused}: {pattern[:100]}") from None


def split(run: Run, pattern: str, text: str, limit: int) -> list[str]:
    """`String.split`: empty strings at the end go unless `limit` is negative, or it is reached."""
    if text == "":
        return [""]
    if is_literal(pattern) and pattern:
        run.make(_CELL * (1 + text.count(pattern)))
        parts = text.split(pattern, limit - 1 if limit > 0 else -1)
    else:
        parts = _split(run, pattern, text, limit - 1 if limit > 0 else _MOST_PARTS)
    if limit == 0:
        while len(parts) > 1 and parts[-1] == "":
            parts.pop()
    return parts


def _split(run: Run, pattern: str, text: str, most: int) -> list[str]:
    found, rest = find(run, pattern, text, most)
    parts: list[str] = []
    held = ""
    for at, (before, matched, *_) in enumerate(found):
        held += before or ""
        empty = not matched
        if empty and ((at == 0 and not before) or (at == len(found) - 1 and not rest)):
            continue  # nothing is cut off by an empty match at either end
        parts.append(held)
        held = ""
    return [*parts, held + rest]


def replace(run: Run, pattern: str, text: str, replacement: str, every: bool) -> str:
    """`replaceAll`, `replaceFirst`: `$1` is a group, `\\$` a dollar."""
    parts: list[str] = []
    found, rest = find(run, pattern, text, _MOST_PARTS if every else 1)
    for before, *match in found:
        put = _expanded(replacement, match)
        run.make(len(put))
        parts += [before or "", put]
    return "".join((*parts, rest))


_REPLACED = re.compile(r"\\(.)|\$(\d)|([\\$])", re.DOTALL)


def _expanded(replacement: str, match: list[str | None]) -> str:
    def one(found: re.Match[str]) -> str:
        escaped, group, lone = found.groups()
        if lone is not None:
            raise JavaException("java.lang.IllegalArgumentException: Illegal group reference")
        if escaped is not None:
            return str(escaped)
        if int(group) >= len(match):
            raise JavaException(f"java.lang.IndexOutOfBoundsException: No group {group}")
        return match[int(group)] or ""

    return _REPLACED.sub(one, replacement)
