"""Java's `toString`: what a reference prints. Used wherever a value becomes text."""

import math
from decimal import Decimal

from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.values import Entry, View, class_name

_DEEPEST = 100


def text_of(run: Run, value: object) -> str:
    """`{a=1, b=[x, null]}` for maps and lists. Raises TemplateFailure when that is too long or too deep."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[return-value]
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is float:
        return double_text(value)  # type: ignore[arg-type]
    if value is None:
        return "null"
    parts: list[str] = []
    _write(run, value, parts, 0)
    return "".join(parts)


def _write(run: Run, value: object, parts: list[str], depth: int) -> None:
    if depth > _DEEPEST:
        raise TemplateFailure("A value is nested too deeply to be printed.")
    if isinstance(value, View):
        _write_items(run, value.items(), None, parts, depth)
    elif isinstance(value, list):
        _write_items(run, value, value, parts, depth)
    elif isinstance(value, dict):
        parts.append("{")
        for at, (key, member) in enumerate(value.items()):
            run.step()
            parts.append(", " if at else "")
            _write_item(run, key, value, parts, depth)
            parts.append("=")
            _write_item(run, member, value, parts, depth)
        parts.append("}")
    elif isinstance(value, Entry):
        _write(run, value.key, parts, depth + 1)
        parts.append("=")
        _write(run, value.value, parts, depth + 1)
    elif isinstance(value, str | int | float | None):
        text = text_of(run, value)
        run.make(len(text) + 2)
        parts.append(text)
    else:
        parts.append(class_name(value))


def _write_items(run: Run, items: list[object], whole: object, parts: list[str], depth: int) -> None:
    parts.append("[")
    for at, each in enumerate(items):
        run.step()
        parts.append(", " if at else "")
        _write_item(run, each, whole, parts, depth)
    parts.append("]")


def _write_item(run: Run, value: object, whole: object, parts: list[str], depth: int) -> None:
    if value is whole and value is not None:
        parts.append("(this Map)" if isinstance(value, dict) else "(this Collection)")
    else:
        _write(run, value, parts, depth + 1)


def double_text(value: float) -> str:
    """`Double.toString`: 1.0, 1.0E10, 1.0E-5, NaN, Infinity."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    exact = Decimal(repr(value)).normalize()
    digits = "".join(map(str, exact.as_tuple().digits))
    return f"{'-' if value < 0 else ''}{digits[0]}.{digits[1:] or '0'}E{exact.adjusted()}"
