"""java.lang.String. https://docs.oracle.com/javase/8/docs/api/java/lang/String.html"""

import math
import re
from decimal import ROUND_HALF_UP, Decimal, localcontext

from callpark.graphql.runtimes.vtl.failures import JavaException
from callpark.graphql.runtimes.vtl.members.method import Table, as_items, as_text, as_whole, method
from callpark.graphql.runtimes.vtl.patterns import is_literal, matches, replace, split
from callpark.graphql.runtimes.vtl.printing import text_of
from callpark.graphql.runtimes.vtl.run import Run

_PIECE = 4_096
_DIGITS = 3_000
_FORMAT = re.compile(r"%(?:(\d+)\$)?([-0+, ]*)(\d{0,4})(?:\.(\d{1,3}))?([sSdfxXeb%n])|%")


def _char_at(run: Run, self: str, index: object) -> str:
    at = as_whole(index)
    if not 0 <= at < len(self):
        raise JavaException(f"java.lang.StringIndexOutOfBoundsException: String index out of range: {at}")
    return self[at]


def _substring(run: Run, self: str, begin: object, end: object = None) -> str:
    first = as_whole(begin)
    last = len(self) if end is None else as_whole(end)
    if not 0 <= first <= last <= len(self):
        raise JavaException(f"java.lang.StringIndexOutOfBoundsException: begin {first}, end {last}, length {len(self)}")
    run.make(last - first)
    return self[first:last]


def _concat(run: Run, self: str, other: object) -> str:
    text = as_text(other)
    run.make(len(self) + len(text))
    return self + text


def _replace(run: Run, self: str, old: object, new: object) -> str:
    sought, put = as_text(old), as_text(new)
    run.make(len(self) + self.count(sought) * len(put))
    return self.replace(sought, put)


def _replace_pattern(run: Run, self: str, pattern: object, new: object, every: bool) -> str:
    sought, put = as_text(pattern), as_text(new)
    if is_literal(sought) and not set(put) & {"$", "\\"}:
        if every:
            return _replace(run, self, sought, put)
        run.make(len(self) + len(put))
        return self.replace(sought, put, 1)
    return replace(run, sought, self, put, every)


def _split(run: Run, self: str, pattern: object, limit: object = 0) -> list[object]:
    most = as_whole(limit)
    parts = split(run, as_text(pattern), self, most)
    run.make(len(self) + 8 * len(parts))
    return list(parts)


def _starts_with(run: Run, self: str, prefix: object, offset: object = 0) -> bool:
    at = as_whole(offset)
    return 0 <= at <= len(self) and self.startswith(as_text(prefix), at)


def _index_of(run: Run, self: str, sought: object, start: object = 0) -> int:
    text = chr(sought) if isinstance(sought, int) and 0 <= sought < 0x110000 else as_text(sought)
    return self.find(text, max(0, as_whole(start)))


def _last_index_of(run: Run, self: str, sought: object, start: object = None) -> int:
    text = as_text(sought)
    return self.rfind(text) if start is None else self.rfind(text, 0, as_whole(start) + len(text))


def _compare(left: str, right: str) -> int:
    at = 0
    while left[at : at + _PIECE] == right[at : at + _PIECE] and at < len(left):
        at += _PIECE
    for mine, theirs in zip(left[at : at + _PIECE], right[at : at + _PIECE], strict=False):
        if mine != theirs:
            return ord(mine) - ord(theirs)
    return len(left) - len(right)


def _hash(run: Run, self: str) -> int:
    value = 0
    units = self.encode("utf-16-be", "surrogatepass")
    for at in range(0, len(units), 2):
        value = (value * 31 + (units[at] << 8 | units[at + 1])) & 0xFFFFFFFF
        if at % _PIECE == 0:
            run.work(_PIECE)
    return value - (1 << 32) if value >= 1 << 31 else value


def _repeat(run: Run, self: str, count: object) -> str:
    times = as_whole(count)
    if times < 0:
        raise JavaException(f"java.lang.IllegalArgumentException: count is negative: {times}")
    run.make(len(self) * times)
    return self * times


def _join(run: Run, self: str, delimiter: object, *items: object) -> str:
    """`String.join`, reached through any string."""
    found = items if len(items) != 1 or isinstance(items[0], str) else as_items(items[0])
    parts = [text_of(run, each) for each in found]
    run.make(sum(map(len, parts)) + len(as_text(delimiter)) * len(parts))
    return as_text(delimiter).join(parts)


def _format(run: Run, self: str, pattern: object, *arguments: object) -> str:
    """`String.format`, reached through any string."""
    given = iter(arguments)

    def written(match: re.Match[str]) -> str:
        index, flags, width, precision, kind = match.groups()
        if kind is None:
            raise JavaException(f"java.util.UnknownFormatConversionException: in '{pattern}'")
        if kind in "%n":
            return "%" if kind == "%" else "\n"
        try:
            value = arguments[int(index) - 1] if index else next(given)
        except (StopIteration, IndexError):
            raise JavaException(f"java.util.MissingFormatArgumentException: {match.group()}") from None
        return _formatted(run, kind, flags, width, precision, value)

    text = _FORMAT.sub(written, as_text(pattern))
    run.make(len(text))
    return text


def _formatted(run: Run, kind: str, flags: str, width: str, precision: str | None, value: object) -> str:
    align = "<" if "-" in flags else ""
    sign = "+" if "+" in flags else " " if " " in flags else ""
    point = f".{precision}" if precision is not None else ""
    if kind in "sSb":
        text = text_of(run, value)[: int(precision) if precision is not None else None]
        return format(text.upper() if kind == "S" else text, f"{align or '>'}{width}")
    if isinstance(value, bool) or not isinstance(value, int | float) or (kind in "dxX" and isinstance(value, float)):
        raise JavaException(f"java.util.IllegalFormatConversionException: {kind} != {text_of(run, value)}")
    if not math.isfinite(value):
        return format(text_of(run, value), f"{align or '>'}{width}")
    if kind == "f":
        with localcontext(prec=_DIGITS):
            value = Decimal(repr(value)).quantize(Decimal(1).scaleb(-int(precision or 6)), ROUND_HALF_UP)
    zero, comma = "0" if "0" in flags and not align else "", "," if "," in flags else ""
    return format(value, f"{align}{sign}{zero}{width}{comma}{'' if kind in 'dxX' else point}{kind}")


def _cells(run: Run, items: list[object]) -> list[object]:
    run.make(64 * len(items))
    return items


STRING: Table = {
    "length": method(lambda run, self: len(self)),
    "isEmpty": method(lambda run, self: self == ""),
    "isBlank": method(lambda run, self: self.strip() == ""),
    "charAt": method(_char_at, 1),
    "codePointAt": method(lambda run, self, index: ord(_char_at(run, self, index)), 1),
    "substring": method(_substring, 1, 2),
    "subSequence": method(_substring, 2),
    "concat": method(_concat, 1),
    "contains": method(lambda run, self, other: as_text(other) in self, 1),
    "startsWith": method(_starts_with, 1, 2),
    "endsWith": method(lambda run, self, suffix: self.endswith(as_text(suffix)), 1),
    "equals": method(lambda run, self, other: type(other) is str and self == other, 1),
    "contentEquals": method(lambda run, self, other: self == as_text(other), 1),
    "equalsIgnoreCase": method(
        lambda run, self, other: other is not None and self.lower() == as_text(other).lower(), 1
    ),
    "compareTo": method(lambda run, self, other: _compare(self, as_text(other)), 1),
    "compareToIgnoreCase": method(lambda run, self, other: _compare(self.lower(), as_text(other).lower()), 1),
    "indexOf": method(_index_of, 1, 2),
    "lastIndexOf": method(_last_index_of, 1, 2),
    "matches": method(lambda run, self, pattern: matches(run, as_text(pattern), self), 1),
    "replace": method(_replace, 2),
    "replaceAll": method(lambda run, self, pattern, new: _replace_pattern(run, self, pattern, new, True), 2),
    "replaceFirst": method(lambda run, self, pattern, new: _replace_pattern(run, self, pattern, new, False), 2),
    "split": method(_split, 1, 2),
    "toLowerCase": method(lambda run, self: self.lower()),
    "toUpperCase": method(lambda run, self: self.upper()),
    "trim": method(lambda run, self: self.strip("".join(map(chr, range(33))))),
    "strip": method(lambda run, self: self.strip()),
    "stripLeading": method(lambda run, self: self.lstrip()),
    "stripTrailing": method(lambda run, self: self.rstrip()),
    "repeat": method(_repeat, 1),
    "toString": method(lambda run, self: self),
    "intern": method(lambda run, self: self),
    "hashCode": method(_hash),
    "toCharArray": method(lambda run, self: _cells(run, list(self))),
    "getBytes": method(lambda run, self, *charset: _cells(run, list(self.encode(errors="replace"))), 0, 1),
    "valueOf": method(lambda run, self, value: text_of(run, value), 1),
    "join": method(_join, 2, 64),
    "format": method(_format, 1, 64),
}  # fmt: skip

STRING_PROPERTIES = {"empty": STRING["isEmpty"], "blank": STRING["isBlank"]}
