"""The request headers resolvers see as `ctx.request.headers`. Pure.

https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html
"""

from collections.abc import Sequence


def resolver_headers(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str | list[str]]:
    """Lower-case names; a repeated header is a list; `cookie` is never shown."""
    seen: dict[str, str | list[str]] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if name == "cookie":
            continue
        match seen.get(name):
            case None:
                seen[name] = value
            case str(first):
                seen[name] = [first, value]
            case list(values):
                values.append(value)
    return seen
