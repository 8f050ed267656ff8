"""`$util.http` and `$extensions`: what reaches beyond the template, as effects.

https://docs.aws.amazon.com/appsync/latest/devguide/http-helpers-in-utils-http.html, …/extensions.html
"""

from typing import Any

from callpark.graphql.runtimes.vtl.printing import text_of
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.util.function import Family, functions, mapping, shared

_add, _, _ = shared("http", "addResponseHeader", 2, 2)


def _add_header(run: Run, name: object, value: object) -> str:
    """A forbidden or empty name, a null value: nothing is added, and `errors` says so. Other values are printed."""
    _add(run, "" if name is None else text_of(run, name), None if value is None else text_of(run, value))
    return ""


def _add_headers(run: Run, headers: object) -> str:
    for name, value in mapping(headers, "$util.http.addResponseHeaders").items():
        _add_header(run, name, value)
    return ""


def _effect(name: str, least: int, most: int) -> tuple[Any, int, int]:
    """Prints nothing."""
    leave, _, _ = shared("extensions", name, least, most)
    return (lambda run, *given: leave(run, *given) or ""), least, most


HTTP = Family(
    functions(
        "$util.http",
        {
            "copyHeaders": shared("http", "copyHeaders", 1, 1),
            "addResponseHeader": (_add_header, 2, 2),
            "addResponseHeaders": (_add_headers, 1, 1),
        },
    )
)
EXTENSIONS = Family(
    functions(
        "$extensions",
        {
            "evictFromApiCache": _effect("evictFromApiCache", 2, 3),
            "setSubscriptionFilter": _effect("setSubscriptionFilter", 1, 1),
            "setSubscriptionInvalidationFilter": _effect("setSubscriptionInvalidationFilter", 1, 1),
            "invalidateSubscriptions": _effect("invalidateSubscriptions", 1, 1),
        },
    )
)
