"""`$util.http` and `$extensions`: what reaches beyond the template, as effects.

https://docs.aws.amazon.com/appsync/latest/devguide/http-helpers-in-utils-http.html, …/extensions.html
"""

import re
from collections.abc import Callable

from callpark.graphql.runtimes.vtl.printing import text_of
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.util.function import Family, functions, mapping
from callpark.graphql.runtimes.vtl.writing import settled

_NOT_COPIED = {
    "transfer-encoding", "connection", "host", "expect", "keep-alive", "upgrade", "proxy-authenticate",
    "proxy-authorization", "te", "content-length",
}  # fmt: skip
_NOT_ADDED = _NOT_COPIED | {
    "access-control-allow-credentials", "access-control-allow-origin", "access-control-expose-headers",
    "access-control-max-age", "access-control-allow-methods", "access-control-allow-headers", "vary", "content-type",
}  # fmt: skip
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE_END = re.compile(r"[\r\n\0]")


def _copy_headers(run: Run, headers: object) -> object:
    given = {} if headers is None else mapping(headers, "$util.http.copyHeaders")
    return {name: value for name, value in given.items() if str(name).lower() not in _NOT_COPIED}


def _add_header(run: Run, name: object, value: object) -> str:
    """A forbidden or empty name, a null value: nothing is added, and `errors` says so."""
    header = "" if name is None else text_of(run, name)
    small = header.lower()
    shown = "" if value is None else text_of(run, value)
    unfit = not _HEADER_NAME.fullmatch(header) or value is None or _LINE_END.search(shown)
    if unfit or small in _NOT_ADDED or small.startswith(("x-amzn-", "x-amz-")):
        run.errors.append(
            {
                "message": f"The response header '{header}' cannot be added.",
                "type": "ResponseHeaderError",
                "data": None,
                "errorInfo": None,
            }
        )
    else:
        run.effects.append({"name": "addResponseHeader", "parameters": [header, shown]})
    run.make(1024)
    return ""


def _add_headers(run: Run, headers: object) -> str:
    for name, value in mapping(headers, "$util.http.addResponseHeaders").items():
        _add_header(run, name, value)
    return ""


HTTP = Family(
    functions(
        "$util.http",
        {
            "copyHeaders": (_copy_headers, 1, 1),
            "addResponseHeader": (_add_header, 2, 2),
            "addResponseHeaders": (_add_headers, 1, 1),
        },
    )
)


def _effect(name: str) -> Callable[..., str]:
    def leave(run: Run, *given: object) -> str:
        run.make(1024)
        run.effects.append({"name": name, "parameters": [settled(run, each) for each in given]})
        return ""

    return leave


EXTENSIONS = Family(
    functions(
        "$extensions",
        {
            "evictFromApiCache": (_effect("evictFromApiCache"), 2, 3),
            "setSubscriptionFilter": (_effect("setSubscriptionFilter"), 1, 1),
            "setSubscriptionInvalidationFilter": (_effect("setSubscriptionInvalidationFilter"), 1, 1),
            "invalidateSubscriptions": (_effect("invalidateSubscriptions"), 1, 1),
        },
    )
)
