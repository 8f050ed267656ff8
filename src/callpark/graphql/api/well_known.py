"""`/<user pool id>/.well-known/…`: the public half of the local user pool, where Cognito would have it.

Mounted by the gateway; for clients and back ends that verify tokens themselves.
https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
"""

import re
from collections.abc import Mapping

import orjson

from callpark.graphql.auth.local_pool import LocalPool
from callpark.graphql.auth.user_pool import issuer
from callpark.kernel import asgi

_PATH = re.compile(
    r"/(?P<pool>(?P<region>[\w-]+)_[0-9A-Za-z]+)/\.well-known/(?P<document>jwks\.json|openid-configuration)"
)
_HEADERS = ((b"content-type", b"application/json"), (b"access-control-allow-origin", b"*"))


class WellKnown:
    def __init__(self, pool: LocalPool, base_url: str) -> None:
        self._pool = pool
        self._base_url = base_url

    def matches(self, scope: asgi.Scope) -> bool:
        return scope["type"] == "http" and _PATH.fullmatch(asgi.path(scope)) is not None

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        found = _PATH.fullmatch(asgi.path(scope))
        assert found is not None, "the gateway asks matches() first"
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            return await asgi.respond(send, 405, b"", ((b"allow", b"GET, HEAD"),))
        wanted = self._pool.document() if found["document"] == "jwks.json" else self._configuration(found)
        return await asgi.respond(send, 200, orjson.dumps(wanted), _HEADERS, method)

    def _configuration(self, found: re.Match[str]) -> Mapping[str, object]:
        return {
            "issuer": issuer(found["region"], found["pool"]),
            "jwks_uri": f"{self._base_url}/{found['pool']}/.well-known/jwks.json",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "token"],
            "subject_types_supported": ["public"],
        }
