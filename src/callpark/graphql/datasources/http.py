"""HTTP: any endpoint, signed on demand. Used by `resolvers/`.

A status that is no success is not an error: it is in the result. AWS's own endpoints are this server's, so the trick of
calling the Lambda API with `X-Amz-Invocation-Type: Event` works, and is durable.
https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-http-js.html
"""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from callpark.graphql.datasources.aws_endpoints import localised
from callpark.graphql.datasources.port import HttpFailure, HttpReply, HttpRequest, HttpSender, Outcome, SourceError
from callpark.graphql.datasources.requests import (
    body_bytes,
    invalid,
    items,
    mapping,
    required_text,
    scalar_text,
    string_map,
)
from callpark.graphql.datasources.signing import signed
from callpark.graphql.model import HttpConfig

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
_NOT_SETTABLE = frozenset(("host", "connection", "user-agent", "expectation", "transfer-encoding", "content-length"))
_PATH_CHARACTERS = "/:@!$&'()*+,;=-._~%?"


class HttpSource:
    """One endpoint as a data source."""

    def __init__(self, config: HttpConfig, sender: HttpSender, base_url: str, most_bytes: int) -> None:
        self._config = config
        self._sender = sender
        self._base_url = base_url
        self._most_bytes = most_bytes

    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        prepared = prepare(request, self._config)
        local, host = localised(prepared.url, self._base_url)
        headers = prepared.headers if host is None else {**prepared.headers, "Host": host}
        try:
            reply = await self._sender.send(
                HttpRequest(prepared.method, local, headers, prepared.body), self._most_bytes
            )
        except HttpFailure as failure:
            return Outcome(error=SourceError(str(failure), f"Http:{failure.kind}"))
        return Outcome({"statusCode": reply.status, "headers": dict(reply.headers), "body": reply_text(reply)})


def prepare(request: Mapping[str, object], config: HttpConfig) -> HttpRequest:
    """The request as it would go to the endpoint, signed where that is asked for. Pure but for the signature's date.
    Raises FieldFailure."""
    method = required_text(request, "method").upper()
    if method not in _METHODS:
        raise invalid(f"Unsupported HTTP method '{method}'. Supported are: {', '.join(_METHODS)}.")
    path = required_text(request, "resourcePath")
    if not path.startswith("/"):
        raise invalid("The resourcePath must start with '/'.")
    parameters = mapping(request, "params") or {}
    body = body_bytes(parameters.get("body"))
    headers = {
        name: value
        for name, value in string_map(parameters, "headers", "params").items()
        if name.lower() not in _NOT_SETTABLE
    }
    if body and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    query = query_text(mapping(parameters, "query", "params") or {})
    separator = "&" if "?" in path else "?"
    address = config.endpoint.rstrip("/") + quote(path, safe=_PATH_CHARACTERS)
    prepared = HttpRequest(method, f"{address}{separator}{query}" if query else address, headers, body)
    return signed(prepared, config.signing) if config.signing is not None else prepared


def query_text(query: Mapping[str, object]) -> str:
    """`a=1&b=2&b=3`; nulls are left out."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        values = items(query, name, "params", "query") if isinstance(value, list) else [value]
        pairs += [(name, scalar_text(each)) for each in values or () if each is not None]
    return urlencode(pairs, quote_via=quote)


def reply_text(reply: HttpReply) -> str:
    return reply.body.decode("utf-8", errors="replace")
