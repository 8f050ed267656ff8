"""What passes through a function URL: an HTTP request becomes an event of payload format 2.0, an answer becomes HTTP.

Pure; called by `api/web.py`. https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import orjson

from callpark.functions.model import FunctionUrl
from callpark.kernel.arn import Place

Headers = Sequence[tuple[str, str]]

HTTP_INTEGRATION = "application/vnd.awslambda.http-integration-response"
_SEPARATOR = bytes(8)
_LONGEST_PRELUDE = 65_536
_TEXT = re.compile(r"text/.*|application/(.*\+)?(json|xml)|application/(x-)?javascript", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")
_HOP_BY_HOP = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"})


@dataclass(frozen=True, slots=True)
class UrlRequest:
    """An HTTP request to a function URL; `path` without the part that names the URL, names of headers lower case."""

    method: str
    path: str
    query: str
    headers: Headers
    body: bytes
    protocol: str
    source_ip: str

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class UrlAnswer:
    status: int
    headers: Headers
    body: bytes = b""


INTERNAL_ERROR = UrlAnswer(502, (("content-type", "text/plain"),), b"Internal Server Error")


def event(request: UrlRequest, url: FunctionUrl, place: Place, request_id: str, now: float) -> bytes:
    """The event that the function is given."""
    joined: dict[str, str] = {}
    for name, value in request.headers:
        if name != "cookie":
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    domain = f"{url.url_id}.lambda-url.{place.region}.on.aws"
    made: dict[str, object] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
    }
    cookies = [part.strip() for name, value in request.headers if name == "cookie" for part in value.split(";")]
    if cookies:
        made["cookies"] = cookies
    made["headers"] = joined
    if parameters := _parameters(request.query):
        made["queryStringParameters"] = parameters
    made["requestContext"] = {
        "accountId": "anonymous" if url.auth_type == "NONE" else place.account,
        "apiId": url.url_id,
        **({} if url.auth_type == "NONE" else {"authorizer": {"iam": _caller(request, place)}}),
        "domainName": domain,
        "domainPrefix": url.url_id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent") or "",
        },
        "requestId": request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now * 1000),
    }
    text = _text(request)
    if text is not None and request.body:
        made["body"] = text
    elif request.body:
        made["body"] = base64.b64encode(request.body).decode()
    made["isBase64Encoded"] = text is None
    return orjson.dumps(made)


def answer(payload: bytes) -> UrlAnswer:
    """What a buffered handler answered, as HTTP. With `statusCode` it speaks of HTTP itself, else it is the body."""
    try:
        given = json.loads(payload)
    except (ValueError, RecursionError):
        return INTERNAL_ERROR
    if not isinstance(given, dict) or "statusCode" not in given:
        return UrlAnswer(200, (("content-type", "application/json"),), payload)
    head = _head(given)
    body = _body(given)
    return INTERNAL_ERROR if head is None or body is None else UrlAnswer(head.status, head.headers, body)


def refusal_without_signature(url: FunctionUrl, request: UrlRequest) -> UrlAnswer | None:
    """AWS_IAM asks for a signed request; callpark sees that there is a signature and does not verify it."""
    if url.auth_type == "NONE":
        return None
    if request.header("authorization") is not None or "X-Amz-Signature=" in request.query:
        return None
    return UrlAnswer(403, (("content-type", "application/json"),), b'{"Message":"Forbidden"}')


class Prelude:
    """The first bytes of a streamed HTTP answer: JSON with status and headers, eight NUL bytes, then the body."""

    def __init__(self, content_type: str) -> None:
        self._content_type = content_type
        self._seen = b""

    def feed(self, chunk: bytes) -> UrlAnswer | None:
        """The answer's head and the first of its body, as soon as they are known. A broken prelude is an answer too."""
        if self._content_type != HTTP_INTEGRATION:
            return UrlAnswer(200, (("content-type", self._content_type),), chunk)
        self._seen += chunk
        end = self._seen.find(_SEPARATOR)
        if end < 0:
            return INTERNAL_ERROR if len(self._seen) > _LONGEST_PRELUDE else None
        try:
            given = json.loads(self._seen[:end])
        except (ValueError, RecursionError):
            return INTERNAL_ERROR
        head = _head(given) if isinstance(given, dict) else None
        if head is None:
            return INTERNAL_ERROR
        return UrlAnswer(head.status, head.headers, self._seen[end + len(_SEPARATOR) :])


def _head(given: Mapping[str, object]) -> UrlAnswer | None:
    """Status and headers; None for what cannot be HTTP."""
    status = given.get("statusCode", 200)
    if isinstance(status, str) and status.isascii() and status.isdigit() and len(status) == 3:
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or not 200 <= status <= 599:
        return None
    headers: list[tuple[str, str]] = []
    for source in ("headers", "multiValueHeaders"):
        named = given.get(source)
        for name, value in named.items() if isinstance(named, dict) else ():
            values = value if isinstance(value, list) else [value]
            headers += [(str(name).lower(), _header_text(one)) for one in values]
    cookies = given.get("cookies")
    headers += [("set-cookie", _header_text(cookie)) for cookie in cookies] if isinstance(cookies, list) else []
    if any(_TOKEN.fullmatch(name) is None or set(value) & {"\r", "\n", "\0"} for name, value in headers):
        return None
    headers = [(name, value) for name, value in headers if name not in _HOP_BY_HOP]
    if all(name != "content-type" for name, _ in headers):
        headers.append(("content-type", "application/json"))
    return UrlAnswer(status, headers)


def _header_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _body(given: Mapping[str, object]) -> bytes | None:
    body = given.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return json.dumps(body, separators=(",", ":")).encode()
    if given.get("isBase64Encoded") is not True:
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None


def _parameters(query: str) -> dict[str, str]:
    """Values of one name are joined by commas."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _text(request: UrlRequest) -> str | None:
    """The body as text, None when it must travel as base64: forms do too, as on AWS."""
    if not request.body:
        return ""
    media = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if _TEXT.fullmatch(media) is None:
        return None
    try:
        return request.body.decode()
    except UnicodeDecodeError:
        return None


def _caller(request: UrlRequest, place: Place) -> Mapping[str, object]:
    found = _CREDENTIAL.search(request.header("authorization") or "")
    key = found[1] if found is not None else "test"
    arn = f"arn:aws:iam::{place.account}:root"
    return {
        "accessKey": key,
        "accountId": place.account,
        "callerId": place.account,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": arn,
        "userId": place.account,
    }
