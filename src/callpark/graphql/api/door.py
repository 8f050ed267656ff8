"""What authorization is told of a caller: from an HTTP request, a websocket's upgrade, or a `start`. Pure.

Called by `http.py` and `websocket.py`; judged by `auth/authenticator.py`. Clients sign the GraphQL endpoint they were
given, so for a websocket the paths that AWS's URL rules make of it are tried.
https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html
"""

from callpark.graphql.auth.approach import CONNECT_OPERATION, Approach, Signed
from callpark.graphql.auth.credentials import Credentials
from callpark.graphql.realtime.frames import Operation
from callpark.graphql.request_body import RequestBody
from callpark.kernel import asgi

_ENDPOINT = "/graphql"
_CONNECT_BODY = b"{}"


def of_request(
    scope: asgi.Scope, credentials: Credentials, request_id: str, document: bytes, body: RequestBody | None
) -> Approach:
    signed = Signed((raw_path(scope),), query_text(scope), document)
    return Approach(credentials, request_id, source_ips(scope), signed, body)


def of_upgrade(scope: asgi.Scope, credentials: Credentials, connection_id: str) -> Approach:
    paths = tuple(f"{path}/connect" for path in _endpoints(scope))
    return Approach(
        credentials,
        connection_id,
        source_ips(scope),
        Signed(paths, "", _CONNECT_BODY),
        operation_name=CONNECT_OPERATION,
    )


def of_start(scope: asgi.Scope, operation: Operation, request_id: str) -> Approach:
    signed = Signed(_endpoints(scope), "", operation.document.encode())
    return Approach(operation.authorization, request_id, source_ips(scope), signed, operation.body)


def source_ips(scope: asgi.Scope) -> tuple[str, ...]:
    """The addresses of `x-forwarded-for`, then the peer's."""
    forwarded = (asgi.header(scope, b"x-forwarded-for") or b"").decode("latin-1")
    client = scope.get("client")
    peer = (str(client[0]),) if client else ()
    return (*(each.strip() for each in forwarded.split(",") if each.strip()), *peer)


def _endpoints(scope: asgi.Scope) -> tuple[str, ...]:
    """The GraphQL paths a client may mean that came to this websocket path."""
    path = raw_path(scope).rstrip("/").removesuffix("/realtime")
    endpoint = path if path.endswith(_ENDPOINT) else path + _ENDPOINT
    return tuple(dict.fromkeys((endpoint, _ENDPOINT)))


def raw_path(scope: asgi.Scope) -> str:
    """As the client wrote it, which is what it signed."""
    raw: bytes = scope.get("raw_path") or asgi.path(scope).encode()
    return raw.split(b"?", 1)[0].decode("latin-1")


def query_text(scope: asgi.Scope) -> str:
    query: bytes = scope.get("query_string", b"")
    return query.decode("latin-1")
