"""Java regular expressions, matched by the engine that runs JavaScript, which can be interrupted: Python's cannot.

Used by `members/strings.py` and `util/`. What the two dialects write differently is rewritten; what JavaScript lacks
(possessive quantifiers, atomic groups, `\\G`) is refused by name.
"""

import re
import threading
from functools import lru_cache
from typing import Protocol, cast

import orjson
import quickjs

from callpark.graphql.runtimes.vtl.failures import JavaException, Overrun
from callpark.graphql.runtimes.vtl.run import Run

_SPECIAL = frozenset("\\^$.|?*+()[]{}")
_MOST_PARTS = 100_000
_LONGEST_PATTERN = 10_000
_CELL = 64
_MEMORY_BYTES = 67_108_864
_LEAST_SECONDS = 0.001

_SCRIPT = """
(function () {
  "use strict";
  const compiled = new Map();
  function pattern(source, flags) {
    const key = flags + "/" + source;
    let found = compiled.get(key);
    if (!found) {
      found = new RegExp(source, flags);
      if (compiled.size > 200) compiled.clear();
      compiled.set(key, found);
    }
    found.lastIndex = 0;
    return found;
  }
  return function (kind, source, flags, text, most) {
    const sought = pattern(source, flags);
    if (kind === "test") return sought.test(text) ? "1" : "";
    const found = [];
    let last = 0;
    for (let match = most > 0 && sought.exec(text); match; match = sought.exec(text)) {
      found.push([text.slice(last, match.index), ...match]);
      last = match.index + match[0].length;
      if (found.length >= most) break;
      if (match[0] === "") sought.lastIndex++;
    }
    return JSON.stringify([found, text.slice(last)]);
  };
})()
"""


class _Engine(Protocol):
    def __call__(self, kind: str, source: str, flags: str, text: str, most: int) -> object: ...


class _Local(threading.local):
    context: quickjs.Context | None = None
    engine: _Engine | None = None


_local = _Local()


def is_literal(pattern: str) -> bool:
    """The pattern means only itself."""
    return not _SPECIAL & set(pattern)


def matches(run: Run, pattern: str, text: str) -> bool:
    """Whether the whole text matches. Raises JavaException for a pattern that is none, Overrun."""
    source, flags = _translated(pattern)
    return _ask(run, pattern, "test", f"^(?:{source})$", flags, text, 1) == "1"


def find(run: Run, pattern: str, text: str, most: int = _MOST_PARTS) -> tuple[list[list[str | None]], str]:
    """Up to `most` matches, each the text since the last one, its own text and its groups; and the rest of the text.
    Raises JavaException, Overrun."""
    source, flags = _translated(pattern)
    answer = _ask(run, pattern, "find", source, f"g{flags}", text, most)
    run.make(len(answer))
    found, rest = orjson.loads(answer)
    return found, rest


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


_INLINE = re.compile(r"\(\?([a-zA-Z]+)\)")
_POSSESSIVE = re.compile(r"(?<!\\)(?:[*+?}]\+|\(\?>)")
_QUOTED = re.compile(r"\\Q(.*?)(?:\\E|$)", re.DOTALL)
_FLAGS = {"i": "i", "m": "m", "s": "s", "u": "", "d": ""}
_CLASSES = {
    "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9", "Upper": "A-Z", "Lower": "a-z", "Space": r"\s",
    "Punct": r"!-\/:-@\[-`{-~", "XDigit": "0-9a-fA-F", "ASCII": r"\x00-\x7f", "Blank": r" \t",
}  # fmt: skip
_CLASS = re.compile(r"\\([pP])\{(\w+)\}")


@lru_cache(maxsize=512)
def _translated(pattern: str) -> tuple[str, str]:
    """The JavaScript pattern and its flags. Raises JavaException."""
    if len(pattern) > _LONGEST_PATTERN:
        raise JavaException(f"callpark takes patterns of at most {_LONGEST_PATTERN} characters")
    flags = ""
    text = _QUOTED.sub(lambda quoted: re.sub(r"[\\^$.|?*+()\[\]{}/]", r"\\\g<0>", quoted[1]), pattern)
    while (inline := _INLINE.match(text)) is not None:
        for letter in inline[1]:
            if letter not in _FLAGS:
                raise JavaException(f"callpark does not have the flag (?{letter}) of regular expressions")
            flags += _FLAGS[letter] if _FLAGS[letter] not in flags else ""
        text = text[inline.end() :]
    text = re.sub(r"\\A|\\Z|\\z", lambda anchor: "^" if anchor[0] == r"\A" else "$", text)
    text = text.replace(r"\h", r"[ \t\u00a0]")
    text = _CLASS.sub(_character_class, text)
    odd = _POSSESSIVE.search(text)
    if odd is not None:
        raise JavaException(f"callpark does not have '{odd.group()}' of regular expressions")
    return text, flags


def _character_class(found: re.Match[str]) -> str:
    if found[2] not in _CLASSES:
        raise JavaException(f"callpark does not have {found.group()} of regular expressions")
    return f"[{'^' if found[1] == 'P' else ''}{_CLASSES[found[2]]}]"


def _ask(run: Run, pattern: str, kind: str, source: str, flags: str, text: str, most: int) -> str:
    run.step()
    context, engine = _opened()
    if not text.isascii() and max(text) > "\uffff":
        flags += "u"
    context.set_time_limit(max(_LEAST_SECONDS, run.remaining()))
    try:
        return str(engine(kind, source, flags, text, most))
    except quickjs.JSException as error:
        if "interrupted" in str(error):
            _local.context = _local.engine = None
            raise Overrun from None
        first = str(error).strip().splitlines()[0] if str(error).strip() else "out of memory"
        raise JavaException(f"java.util.regex.PatternSyntaxException: {first}: {pattern[:100]}") from None


def _opened() -> tuple[quickjs.Context, _Engine]:
    if _local.context is None or _local.engine is None:
        _local.context = quickjs.Context()
        _local.context.set_memory_limit(_MEMORY_BYTES)
        _local.context.set_max_stack_size(262_144)
        _local.engine = cast(_Engine, _local.context.eval(_SCRIPT))
    return _local.context, _local.engine
