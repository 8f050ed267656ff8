"""`$util.error`, `appendError`, `validate`, `unauthorized`, `log`.

https://docs.aws.amazon.com/appsync/latest/devguide/utility-helpers-in-util.html
"""

from collections.abc import Callable

from callpark.graphql.runtimes.vtl.failures import Halt
from callpark.graphql.runtimes.vtl.printing import text_of
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.util.function import Family, Function, functions
from callpark.graphql.runtimes.vtl.writing import settled

_VALIDATION_TYPE = "CustomTemplateException"


def _entry(run: Run, message: object, kind: object, data: object, info: object) -> dict[str, object]:
    return {
        "message": None if message is None else text_of(run, message),
        "type": None if kind is None else text_of(run, kind),
        "data": settled(run, data),
        "errorInfo": settled(run, info),
    }


def _error(run: Run, message: object, kind: object = None, data: object = None, info: object = None) -> object:
    raise Halt({"kind": "error", **_entry(run, message, kind, data, info)})


def _append_error(run: Run, message: object, kind: object = None, data: object = None, info: object = None) -> str:
    run.make(1024)
    run.errors.append(_entry(run, message, kind, data, info))
    return ""


def _validate(
    run: Run, condition: object, message: object, kind: object = _VALIDATION_TYPE, data: object = None
) -> object:
    return "" if condition is True else _error(run, message, kind, data)


def _unauthorized(run: Run) -> object:
    return _error(run, "Unauthorized", "Unauthorized")


def _logger(level: str) -> Callable[..., str]:
    def log(run: Run, first: object, *rest: object) -> str:
        text = text_of(run, first)
        for each in rest:
            before, mark, after = text.partition("{}")
            text = f"{before}{text_of(run, each)}{after}" if mark else text
            run.make(len(text))
        run.make(len(text))
        run.logs.append(f"{level} - {text}")
        return ""

    return log


ERRORS: dict[str, Function | Family] = {
    **functions(
        "$util",
        {
            "error": (_error, 1, 4),
            "appendError": (_append_error, 1, 4),
            "validate": (_validate, 2, 4),
            "unauthorized": (_unauthorized, 0, 0),
        },
    ),
    "log": Family(
        functions(
            "$util.log",
            {level: (_logger(level.upper()), 1, 32) for level in ("info", "debug", "error", "warn")},
        )
    ),
}
