"""Java's `DateTimeFormatter` patterns: read, written with, read with. Used by `time.py`.

https://docs.oracle.com/javase/8/docs/api/java/time/format/DateTimeFormatter.html
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TypeAlias
from zoneinfo import ZoneInfo

from callpark.graphql.runtimes.vtl.failures import TemplateFailure

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LETTERS = "yuMLdDHkhKmsSnAaEXxZzVO"
_LONGEST_PATTERN = 256
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?")
_PARSED_OFFSET = re.compile(r"Z|(?:GMT|UTC)?([+-])(\d{2})(?::?(\d{2}))?(?::?(\d{2}))?")
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")


@dataclass(frozen=True, slots=True)
class Letters:
    letter: str
    count: int


@dataclass(frozen=True, slots=True)
class Optional:
    parts: "tuple[Part, ...]"


Part: TypeAlias = str | Letters | Optional


@lru_cache(maxsize=256)
def read(pattern: str) -> tuple[Part, ...]:
    """The parts of a pattern. Raises TemplateFailure."""
    if len(pattern) > _LONGEST_PATTERN:
        raise TemplateFailure(f"$util.time: a pattern has at most {_LONGEST_PATTERN} characters")
    stack: list[list[Part]] = [[]]
    at = 0
    while at < len(pattern):
        each = pattern[at]
        at += 1
        if each == "'":
            literal, at = _quoted(pattern, at)
            stack[-1].append(literal)
        elif each == "[":
            stack.append([])
        elif each == "]":
            if len(stack) == 1:
                raise TemplateFailure(f"$util.time: pattern '{pattern}' has a lone ]")
            inner = tuple(stack.pop())
            stack[-1].append(Optional(inner))
        elif each.isascii() and each.isalpha():
            count = 1
            while pattern[at : at + 1] == each:
                count, at = count + 1, at + 1
            if each not in _LETTERS:
                raise TemplateFailure(f"$util.time: pattern letter '{each}' is not supported")
            stack[-1].append(Letters(each, count))
        else:
            stack[-1].append(each)
    while len(stack) > 1:
        inner = tuple(stack.pop())
        stack[-1].append(Optional(inner))
    return tuple(stack[0])


def _quoted(pattern: str, at: int) -> tuple[str, int]:
    """The literal that a quote before `at` opened, and where it ends; `''` is a quote."""
    start = at
    literal = ""
    while at < len(pattern):
        if pattern[at] != "'":
            literal += pattern[at]
            at += 1
        elif pattern[at + 1 : at + 2] == "'":
            literal += "'"
            at += 2
        else:
            return (literal or "'") if at > start else "'", at + 1
    raise TemplateFailure(f"$util.time: pattern '{pattern}' ends in a quotation")


@lru_cache(maxsize=256)
def zone(name: str) -> tzinfo:
    """`UTC`, `+08:00`, `Australia/Perth`. Raises TemplateFailure."""
    if name in ("UTC", "GMT", "Z"):
        return UTC
    match = _OFFSET.fullmatch(name)
    if match is not None:
        seconds = int(match[2]) * 3600 + int(match[3] or 0) * 60 + int(match[4] or 0)
        if seconds <= 64_800:  # ±18:00, java.time.ZoneOffset
            return timezone(timedelta(seconds=-seconds if match[1] == "-" else seconds))
    elif _ZONE_NAME.fullmatch(name):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass
    raise TemplateFailure(f"$util.time: '{name}' is no time zone")


def write(parts: tuple[Part, ...], at: datetime) -> str:
    """The instant in its zone."""
    return "".join(
        part if isinstance(part, str) else write(part.parts, at) if isinstance(part, Optional) else _field(part, at)
        for part in parts
    )


def _field(part: Letters, at: datetime) -> str:
    count = part.count
    match part.letter:
        case "y" | "u":
            return f"{at.year % 100:02d}" if count == 2 else str(at.year).zfill(count)
        case "M" | "L":
            return _named(MONTHS[at.month - 1], str(at.month), count)
        case "E":
            name = DAYS[at.weekday()]
            return name if count == 4 else name[0] if count == 5 else name[:3]
        case "d":
            return str(at.day).zfill(count)
        case "D":
            return str(at.timetuple().tm_yday).zfill(count)
        case "H":
            return str(at.hour).zfill(count)
        case "k":
            return str(at.hour or 24).zfill(count)
        case "h":
            return str(at.hour % 12 or 12).zfill(count)
        case "K":
            return str(at.hour % 12).zfill(count)
        case "m":
            return str(at.minute).zfill(count)
        case "s":
            return str(at.second).zfill(count)
        case "S":
            return f"{at.microsecond:06d}000"[:count].ljust(count, "0")
        case "n":
            return str(at.microsecond * 1000).zfill(count)
        case "A":
            seconds = (at.hour * 60 + at.minute) * 60 + at.second
            return str(seconds * 1000 + at.microsecond // 1000).zfill(count)
        case "a":
            return "AM" if at.hour < 12 else "PM"
        case "V":
            return str(at.tzinfo) if isinstance(at.tzinfo, ZoneInfo) else _offset(at, "X", 3)
        case "z":
            return at.tzname() or "UTC"
    return _offset(at, part.letter, count)


def _named(name: str, digits: str, count: int) -> str:
    if count < 3:
        return digits.zfill(count)
    return name if count == 4 else name[0] if count == 5 else name[:3]


def _offset(at: datetime, letter: str, count: int) -> str:
    seconds = int((at.utcoffset() or timedelta()).total_seconds())
    if seconds == 0 and (letter == "X" or (letter == "Z" and count == 5)):
        return "Z"
    sign, size = "-" if seconds < 0 else "+", abs(seconds)
    hours, minutes = f"{size // 3600:02d}", f"{size // 60 % 60:02d}"
    if letter == "O" or (letter == "Z" and count == 4):
        short = f"GMT{sign}{size // 3600}" + (f":{minutes}" if minutes != "00" else "")
        return ("GMT" if seconds == 0 else short) if letter == "O" and count == 1 else f"GMT{sign}{hours}:{minutes}"
    if letter == "Z":
        return f"{sign}{hours}{':' if count == 5 else ''}{minutes}"
    if count == 1:
        return sign + hours + (minutes if minutes != "00" else "")
    return f"{sign}{hours}{':' if count in (3, 5) else ''}{minutes}"


class _Unlike(Exception):
    """The text is not as the pattern says."""


def parse(pattern: str, text: str, default_zone: tzinfo) -> datetime:
    """The instant that a text of that pattern means. Raises TemplateFailure."""
    found: dict[str, int] = {}
    try:
        at = _parse(read(pattern), text, 0, found)
        if at != len(text):
            raise _Unlike
        return _instant(found, default_zone)
    except (_Unlike, ValueError, OverflowError):
        raise TemplateFailure(f"$util.time: '{text[:100]}' does not match the pattern '{pattern}'") from None


def _instant(found: dict[str, int], default_zone: tzinfo) -> datetime:
    half = found.get("a")
    clock = found.get("h", found.get("K", 0)) % 12 + (12 if half else 0)
    hour = found.get("H", found.get("k", clock) % 24)
    offset = found.get("offset")
    where = default_zone if offset is None else timezone(timedelta(seconds=offset))
    start = datetime(found.get("y", 1970), found.get("M", 1), found.get("d", 1), hour, tzinfo=where)
    if "D" in found:
        start += timedelta(days=found["D"] - 1)
    return start + timedelta(
        minutes=found.get("m", 0), seconds=found.get("s", 0), microseconds=found.get("S", found.get("n", 0) // 1000)
    )


def _parse(parts: tuple[Part, ...], text: str, at: int, found: dict[str, int]) -> int:
    for number, part in enumerate(parts):
        if isinstance(part, str):
            if not text.startswith(part, at):
                raise _Unlike
            at += len(part)
        elif isinstance(part, Optional):
            tried = dict(found)
            try:
                at = _parse(part.parts, text, at, tried)
                found.update(tried)
            except _Unlike:
                pass
        else:
            touching = number + 1 < len(parts) and isinstance(parts[number + 1], Letters)
            at = _parse_field(part, text, at, found, touching)
    return at


def _parse_field(part: Letters, text: str, at: int, found: dict[str, int], touching: bool) -> int:
    letter, count = part.letter, part.count
    if letter in "XxZOzV":
        return _parse_offset(text, at, found)
    if letter == "E" or (letter in "ML" and count > 2):
        names = DAYS if letter == "E" else MONTHS
        for number, name in enumerate(names, 1):
            shown = name if count == 4 else name[:3]
            if text[at : at + len(shown)].lower() == shown.lower():
                found["weekday" if letter == "E" else "M"] = number
                return at + len(shown)
        raise _Unlike
    if letter == "a":
        half = text[at : at + 2].upper()
        if half not in ("AM", "PM"):
            raise _Unlike
        found["a"] = int(half == "PM")
        return at + 2
    year = letter in "yu"
    widest = count if touching or (year and count == 2) or letter == "S" else 19 if count == 1 else 9 if year else count
    match = re.compile(rf"\d{{{count},{max(count, widest)}}}", re.ASCII).match(text, at)
    if match is None:
        raise _Unlike
    key = {"u": "y", "L": "M"}.get(letter, letter)
    digits = match.group()
    found[key] = int(digits[:6].ljust(6, "0")) if letter == "S" else int(digits)
    if year and count == 2:
        found["y"] += 2000
    return match.end()


def _parse_offset(text: str, at: int, found: dict[str, int]) -> int:
    match = _PARSED_OFFSET.match(text, at)
    if match is None:
        named = _ZONE_NAME.match(text, at)
        if named is None or named.group() not in ("UTC", "GMT"):
            raise _Unlike
        found["offset"] = 0
        return named.end()
    seconds = int(match[2] or 0) * 3600 + int(match[3] or 0) * 60 + int(match[4] or 0)
    found["offset"] = -seconds if match[1] == "-" else seconds
    return match.end()
