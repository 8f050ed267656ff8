"""`$util.str`, `$util.math`.

https://docs.aws.amazon.com/appsync/latest/devguide/str-helpers-in-util-str.html, …/math-helpers-in-util-math.html
"""

import math
import unicodedata

from callpark.graphql.runtimes.vtl.failures import TemplateFailure
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.util.function import Family, functions, number, text, whole

_MOST_MARKS = 4_096
_FORMS = ("NFC", "NFD", "NFKC", "NFKD")


def _upper(run: Run, value: object) -> str:
    return text(value, "$util.str.toUpper").upper()


def _lower(run: Run, value: object) -> str:
    return text(value, "$util.str.toLower").lower()


def _replace(run: Run, value: object, sought: object, put: object) -> str:
    source, old, new = (text(each, "$util.str.toReplace") for each in (value, sought, put))
    run.make(len(source) + source.count(old) * len(new))
    return source.replace(old, new)


def _normalize(run: Run, value: object, form: object) -> str:
    name = text(form, "$util.str.normalize").upper()
    source = text(value, "$util.str.normalize")
    if name not in _FORMS:
        raise TemplateFailure(f"$util.str.normalize: '{form}' is not one of nfc, nfd, nfkc, nfkd")
    run.make(4 * len(source))
    _check_marks(run, source)
    return unicodedata.normalize(name, source)  # type: ignore[arg-type]


def _check_marks(run: Run, source: str) -> None:
    """Ordering combining marks takes the square of their number."""
    if source.isascii() or len(source) <= _MOST_MARKS:
        return
    marks = 0
    for at, each in enumerate(source):
        marks = marks + 1 if unicodedata.combining(each) else 0
        if marks > _MOST_MARKS:
            raise TemplateFailure(f"$util.str.normalize: more than {_MOST_MARKS} combining marks in a row")
        if at % _MOST_MARKS == 0:
            run.work(_MOST_MARKS)


def _round(run: Run, value: object) -> int:
    given = number(value, "$util.math.roundNum")
    if not math.isfinite(given):
        raise TemplateFailure("$util.math.roundNum expects a finite number")
    return math.floor(given + 0.5) if isinstance(given, float) else given


def _least(run: Run, first: object, second: object) -> int | float:
    return min(number(first, "$util.math.minVal"), number(second, "$util.math.minVal"))


def _most(run: Run, first: object, second: object) -> int | float:
    return max(number(first, "$util.math.maxVal"), number(second, "$util.math.maxVal"))


def _within(run: Run, first: object, last: object) -> int:
    begin, end = whole(first, "$util.math.randomWithinRange"), whole(last, "$util.math.randomWithinRange")
    return begin + math.floor(run.chance.fraction() * (end - begin))


STR = Family(
    functions(
        "$util.str",
        {
            "toUpper": (_upper, 1, 1),
            "toLower": (_lower, 1, 1),
            "toReplace": (_replace, 3, 3),
            "normalize": (_normalize, 2, 2),
        },
    )
)
MATH = Family(
    functions(
        "$util.math",
        {
            "roundNum": (_round, 1, 1),
            "minVal": (_least, 2, 2),
            "maxVal": (_most, 2, 2),
            "randomDouble": (lambda run: run.chance.fraction(), 0, 0),
            "randomWithinRange": (_within, 2, 2),
        },
    )
)
