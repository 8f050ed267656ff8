"""AMAZON_OPENSEARCH_SERVICE and AMAZON_ELASTICSEARCH: signed HTTP to a domain. Used by `resolvers/`.

Where the user said that OpenSearch is (`--upstream opensearch=URL`), that is asked; else the endpoint itself, unless it
is a domain of AWS's, or the name of one that a template declares.
https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-elasticsearch-js.html
"""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import orjson

from callpark.graphql.datasources.http import query_text, reply_text
from callpark.graphql.datasources.port import (
    HttpFailure,
    HttpReply,
    HttpRequest,
    HttpSender,
    Outcome,
    SourceError,
    Upstreams,
)
from callpark.graphql.datasources.requests import body_bytes, invalid, mapping, required_text, string_map
from callpark.graphql.datasources.signing import signed
from callpark.graphql.model import SearchConfig, Signing

_METHODS = ("GET", "POST", "PUT", "HEAD", "DELETE")


class OpenSearchSource:
    """One domain as a data source."""

    def __init__(self, config: SearchConfig, sender: HttpSender, upstreams: Upstreams, most_bytes: int) -> None:
        self._config = config
        self._sender = sender
        self._upstreams = upstreams
        self._most_bytes = most_bytes

    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        method = required_text(request, "operation").upper()
        if method not in _METHODS:
            raise invalid(f"Unsupported operation '{method}'. Supported are: {', '.join(_METHODS)}.")
        endpoint = self._endpoint()
        if endpoint is None:
            return Outcome(
                error=SourceError(
                    f"Nobody serves the OpenSearch domain {self._config.endpoint}: "
                    "say where it is with --upstream opensearch=URL",
                    "OpenSearch:ServiceUnavailable",
                )
            )
        try:
            reply = await self._sender.send(self._prepared(method, endpoint, request), self._most_bytes)
        except HttpFailure as failure:
            return Outcome(error=SourceError(str(failure), f"OpenSearch:{failure.kind}"))
        if reply.status < 400:
            return Outcome(_parsed(reply))
        kind = f"{reply.status} {reply.reason}".strip()
        return Outcome(_parsed(reply), SourceError(f"OpenSearchHttp:{reply_text(reply)}", kind))

    def _endpoint(self) -> str | None:
        said = self._upstreams.address("opensearch")
        if said is not None:
            return said
        host = urlsplit(self._config.endpoint).hostname or ""
        reachable = host == "localhost" or ("." in host and not host.endswith(".amazonaws.com"))
        return self._config.endpoint if reachable else None

    def _prepared(self, method: str, endpoint: str, request: Mapping[str, object]) -> HttpRequest:
        parameters = mapping(request, "params") or {}
        headers = string_map(parameters, "headers", "params")
        body = body_bytes(parameters.get("body"))
        if body and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = "application/json"
        query = query_text(mapping(parameters, "queryString", "params") or {})
        path = "/" + quote(required_text(request, "path").lstrip("/"), safe="/:@!$&'()*+,;=-._~%")
        url = endpoint.rstrip("/") + path + (f"?{query}" if query else "")
        return signed(HttpRequest(method, url, headers, body), Signing(self._config.region, "es"))


def _parsed(reply: HttpReply) -> object:
    try:
        return orjson.loads(reply.body) if reply.body else None
    except orjson.JSONDecodeError:
        return reply_text(reply)
