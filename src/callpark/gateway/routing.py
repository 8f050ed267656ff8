"""Which operation a request means: pure, from method, path, query and headers.

Called by `app.py`. In this order: the credential scope of the signature names the service (or the host name does), then
`X-Amz-Target`, Smithy's RPC path, the form field `Action`, or the path names the operation. Signatures are read, not
verified: callpark has local credentials only, so the caller's identity is not a decision anywhere.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, unquote

import msgspec

from callpark.gateway.models import ServiceModel, service_model
from callpark.gateway.protocols.refusals import not_implemented, unknown_operation, unknown_service
from callpark.gateway.protocols.wire import Request
from callpark.gateway.uris import UriMatcher
from callpark.kernel.errors import CallerError

ProtocolName: TypeAlias = Literal["rest-json", "json", "query", "rpc-v2-cbor"]

#: Signing names that are not the service's own; all others are.
_SIGNING_NAMES: Mapping[str, str] = {
    "connectparticipant": "execute-api",
    "bedrock-runtime": "bedrock",
    "cloudwatch": "monitoring",
}

_CREDENTIAL = re.compile(r"Credential=([^,\s]+)")
_FORM = "application/x-www-form-urlencoded"
_RPC_PATH = re.compile(r"/service/([^/]+)/operation/([^/]+)/?")
_INVOKE_FRONT, _INVOKE_BACK = b"/2015-03-31/functions/", b"/invocations"


class Route(msgspec.Struct, frozen=True):
    """An operation of a service, how the caller speaks, and the URI labels as sent."""

    service: str
    operation: str
    protocol: ProtocolName
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)


class MethodNotAllowed(CallerError):
    """The path exists, under other methods."""

    def __init__(self, path: str, methods: Sequence[str]) -> None:
        allowed = ", ".join(methods)
        text = f"{path} answers to {allowed} only"
        super().__init__("MethodNotAllowedException", 405, text, headers={"allow": allowed})
        self.methods = methods


def invoke_route(method: str, raw_path: bytes) -> Route | None:
    """The route of an Invoke request, the one that must cost nothing; None for all others."""
    if method == "POST" and raw_path.endswith(_INVOKE_BACK) and raw_path.startswith(_INVOKE_FRONT):
        label = raw_path[len(_INVOKE_FRONT) : -len(_INVOKE_BACK)]
        if label and b"/" not in label:
            return Route("lambda", "Invoke", "rest-json", {"FunctionName": label.decode("latin-1")})
    return None


def scoped_service(request: Request) -> str | None:
    """The signing name in the credential scope of the Authorization header or of a presigned URL."""
    found = _CREDENTIAL.search(request.headers.get("authorization", ""))
    credential = found[1] if found else None
    if credential is None and "X-Amz-Credential=" in request.query:
        credential = dict(parse_qsl(request.query)).get("X-Amz-Credential")
    parts = unquote(credential).split("/") if credential else []
    return parts[-2] if len(parts) >= 5 and parts[-1] == "aws4_request" else None


def likely_protocol(request: Request) -> ProtocolName:
    """How the caller of a request that could not be routed most likely reads errors."""
    if "x-amz-target" in request.headers:
        return "json"
    if "smithy-protocol" in request.headers:
        return "rpc-v2-cbor"
    if request.headers.get("content-type", "").startswith(_FORM) or "Action=" in request.query:
        return "query"
    return "rest-json"


class Router:
    """Routes for the services that have operations here. Models are loaded when the first request needs them."""

    def __init__(self, services: Iterable[str]) -> None:
        self._services = tuple(dict.fromkeys(services))
        self._by_signing_name: dict[str, list[str]] = {}
        for service in self._services:
            self._by_signing_name.setdefault(_SIGNING_NAMES.get(service, service), []).append(service)
        self._matchers: dict[str, UriMatcher] = {}

    def route(self, request: Request) -> Route:
        """Raises CallerError: 501 for what callpark has not built, 404 or 405 for what AWS has not either."""
        candidates = self._candidates(request)
        target = request.headers.get("x-amz-target")
        if target is not None:
            return _by_target(target, candidates)
        if "smithy-protocol" in request.headers:
            return _by_rpc_path(request, candidates)
        action = _action(request)
        if action is not None:
            return _by_action(*action, candidates)
        return self._by_path(request, candidates)

    def _candidates(self, request: Request) -> Sequence[str]:
        scope = scoped_service(request)
        if scope is not None:
            if scope not in self._by_signing_name:
                raise unknown_service(scope)
            return self._by_signing_name[scope]
        host = request.headers.get("host", "")
        return [service for service in self._services if host.startswith(f"{service}.")] or self._services

    def _by_path(self, request: Request, candidates: Sequence[str]) -> Route:
        methods: list[str] = []
        for service in candidates:
            matcher = self._matcher(service)
            match = matcher.match(request.method, request.path, request.query)
            if match is not None:
                return Route(service, match.operation, "rest-json", match.labels)
            methods += matcher.methods(request.path)
        if methods:
            raise MethodNotAllowed(request.path, sorted(set(methods)))
        raise unknown_operation(f"{request.method} {request.path}")

    def _matcher(self, service: str) -> UriMatcher:
        matcher = self._matchers.get(service)
        if matcher is None:
            matcher = self._matchers[service] = _compile_matcher(service_model(service))
        return matcher


def _compile_matcher(model: ServiceModel) -> UriMatcher:
    matcher = UriMatcher()
    if model.metadata.get("protocol") == "rest-json":
        for name in model.operation_names:
            http = model.operation_model(name).http
            matcher.add(str(http["method"]), str(http["requestUri"]), name)
    return matcher


def _by_target(target: str, candidates: Sequence[str]) -> Route:
    prefix, _, operation = target.rpartition(".")
    for service in candidates:
        model = service_model(service)
        if model.metadata.get("targetPrefix") == prefix:
            if operation not in model.operation_names:
                raise unknown_operation(target)
            return Route(service, operation, "json")
    raise not_implemented(prefix or "of X-Amz-Target", operation)


def _by_rpc_path(request: Request, candidates: Sequence[str]) -> Route:
    protocol = request.headers["smithy-protocol"]
    if protocol != "rpc-v2-cbor":
        raise not_implemented("of the protocol", protocol)
    found = _RPC_PATH.fullmatch(request.path)
    if found is None or request.method != "POST":
        raise unknown_operation(f"{request.method} {request.path}")
    prefix, operation = found.groups()
    for service in candidates:
        model = service_model(service)
        speaks = "smithy-rpc-v2-cbor" in _listed(model.metadata.get("protocols"))
        if speaks and prefix in (model.metadata.get("targetPrefix"), str(model.metadata.get("serviceId"))):
            if operation not in model.operation_names:
                raise unknown_operation(f"{prefix}.{operation}")
            return Route(service, operation, "rpc-v2-cbor")
    raise not_implemented(prefix, operation)


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _action(request: Request) -> tuple[str, str] | None:
    """(Action, Version) of a query-protocol request."""
    form = request.headers.get("content-type", "").startswith(_FORM)
    if not form and "Action=" not in request.query:
        return None
    fields = dict(parse_qsl(request.query))
    if form:
        fields |= dict(parse_qsl(request.body.decode("utf-8", "replace")))
    action = fields.get("Action")
    return (action, fields.get("Version", "")) if action else None


def _by_action(action: str, version: str, candidates: Sequence[str]) -> Route:
    for service in candidates:
        model = service_model(service)
        speaks = model.metadata.get("protocol") == "query" or "awsQueryCompatible" in model.metadata
        if speaks and action in model.operation_names and version in ("", model.metadata.get("apiVersion")):
            return Route(service, action, "query")
    raise unknown_operation(f"the action {action[:128]}")
