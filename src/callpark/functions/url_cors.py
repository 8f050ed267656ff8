"""Cross-origin requests to a function URL, as its `Cors` configuration answers them. Pure; called by `api/web.py`.

https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html#urls-cors
"""

from collections.abc import Mapping

from callpark.functions.url_events import UrlAnswer, UrlRequest

_PREFIX = "access-control-"


def preflight(cors: Mapping[str, object], request: UrlRequest) -> UrlAnswer | None:
    """The answer to a preflight request, which never reaches the function; None for any other request."""
    method = request.header("access-control-request-method")
    if not cors or request.method != "OPTIONS" or method is None:
        return None
    headers = _origin_headers(cors, request)
    methods, allowed = _texts(cors, "AllowMethods"), _texts(cors, "AllowHeaders")
    if headers and methods:
        headers["access-control-allow-methods"] = ",".join(methods)
    if headers and allowed:
        headers["access-control-allow-headers"] = ",".join(allowed)
    if headers and isinstance(age := cors.get("MaxAge"), int):
        headers["access-control-max-age"] = str(age)
    return UrlAnswer(200, tuple(headers.items()))


def with_cors(cors: Mapping[str, object], request: UrlRequest, answer: UrlAnswer) -> UrlAnswer:
    """The configuration's headers take the place of the function's own."""
    if not cors:
        return answer
    kept = [(name, value) for name, value in answer.headers if not name.startswith(_PREFIX)]
    return UrlAnswer(answer.status, [*kept, *_origin_headers(cors, request).items()], answer.body)


def _origin_headers(cors: Mapping[str, object], request: UrlRequest) -> dict[str, str]:
    """Empty for an origin that is not allowed."""
    origin = request.header("origin")
    origins = _texts(cors, "AllowOrigins")
    if origin is None or not ("*" in origins or origin in origins):
        return {}
    credentials = cors.get("AllowCredentials") is True
    headers = {"access-control-allow-origin": "*" if "*" in origins and not credentials else origin}
    if credentials:
        headers["access-control-allow-credentials"] = "true"
    if exposed := _texts(cors, "ExposeHeaders"):
        headers["access-control-expose-headers"] = ",".join(exposed)
    if headers["access-control-allow-origin"] != "*":
        headers["vary"] = "Origin"
    return headers


def _texts(cors: Mapping[str, object], member: str) -> list[str]:
    value = cors.get(member)
    return [str(item) for item in value] if isinstance(value, list | tuple) else []
