"""Velocity's operators on Java's values. Used by `compiler.py`.

Arithmetic on what is not a number gives null, as in Velocity 1.7; `+` with a string joins.
"""

import math
from collections.abc import Callable

from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from callpark.graphql.runtimes.vtl.printing import text_of
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.values import equals

_LARGEST_BITS = 4_096


def truth(value: object) -> bool:
    """Only false and null are false."""
    return value is not None and value is not False


def same(run: Run, left: object, right: object) -> bool:
    """`==`: numbers by value, equal classes by `equals`, others by their text."""
    if left is None or right is None:
        return left is right
    kind, other = type(left), type(right)
    if kind is other and (kind is str or kind is int or kind is bool):
        return left == right
    if is_number(left) and is_number(right):
        return left == right
    if kind is other:
        return equals(run, left, right)
    return text_of(run, left) == text_of(run, right)


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def compare(operator: str) -> Callable[[object, object], bool]:
    """`<`, `<=`, `>`, `>=`: of numbers; anything else is false."""
    test: Callable[[float, float], bool] = {
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
    }[operator]

    def compared(left: object, right: object) -> bool:
        if type(left) is int and type(right) is int:
            return test(left, right)
        return is_number(left) and is_number(right) and test(left, right)  # type: ignore[arg-type]

    return compared


def join(run: Run, left: object, right: object, left_source: str, right_source: str) -> object:
    """`+`: a null beside a string is joined as its source text."""
    if isinstance(left, str) or isinstance(right, str):
        first = left_source if left is None else text_of(run, left)
        second = right_source if right is None else text_of(run, right)
        run.make(len(first) + len(second))
        return first + second
    return arithmetic(run, "+", left, right)


def arithmetic(run: Run, operator: str, left: object, right: object) -> object:
    """A number, or null when an operand is none or the divisor is 0."""
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    if isinstance(left, bool) or isinstance(right, bool):
        return None
    if operator in "/%" and right == 0:
        return None
    try:
        result = (
            _WHOLE[operator](left, right)
            if isinstance(left, int) and isinstance(right, int)
            else (_REAL[operator](float(left), float(right)))
        )
    except OverflowError:
        return math.inf
    if isinstance(result, int) and result.bit_length() > _LARGEST_BITS:
        raise TemplateFailure("A number is too large.")
    return result


def _quotient(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


_WHOLE: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _quotient,
    "%": lambda a, b: a - b * _quotient(a, b),
}
_REAL: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "%": math.fmod,
}
