"""`POST …/graphql`: who is it, what do they ask, what is the answer.

Called by `web.py` for HTTP scopes. Everything ends in one JSON answer of AppSync's shape; a bug of ours is logged with
the request id and answered with 500.
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

import logging

from callpark.graphql.api import answers
from callpark.graphql.api.answers import HttpAnswer
from callpark.graphql.api.door import of_request
from callpark.graphql.api.location import choose, locate, not_found
from callpark.graphql.api.ports import Apis
from callpark.graphql.api.resolver_headers import resolver_headers
from callpark.graphql.auth.authenticator import Authenticator
from callpark.graphql.auth.credentials import Credentials, of_headers
from callpark.graphql.auth.verdict import Authorized, Refusal
from callpark.graphql.happenings import RequestAnswered
from callpark.graphql.messages import GraphqlRequest, GraphqlResponse
from callpark.graphql.model import ApiDefinition
from callpark.graphql.request_body import RequestBody, parse
from callpark.kernel import asgi
from callpark.kernel.clock import Clock
from callpark.kernel.deadline import Deadline
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import AppSyncLimits
from callpark.kernel.trace import Trace

_log = logging.getLogger("callpark")

_TIMED_OUT = GraphqlResponse(
    None,
    (
        {
            "path": None,
            "data": None,
            "errorType": "ExecutionTimeout",
            "errorInfo": None,
            "locations": None,
            "message": "Request timed out.",
        },
    ),
)


class GraphqlHttp:
    def __init__(
        self,
        service: Apis,
        authenticator: Authenticator,
        clock: Clock,
        ids: Ids,
        limits: AppSyncLimits,
        trace: Trace,
    ) -> None:
        self._trace = trace
        self._service = service
        self._authenticator = authenticator
        self._clock = clock
        self._ids = ids
        self._limits = limits

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        request_id = self._ids.uuid()
        try:
            reply = await self._answer(scope, receive, request_id)
        except asgi.ClientGone:
            return
        except CallerError as error:
            reply = answers.problem(error.status, error.code, error.body, request_id)
        except Exception:
            _log.exception("GraphQL request %s failed", request_id)
            reply = answers.refusal(500, "InternalFailure", f"Internal failure of request {request_id}.", request_id)
        await asgi.respond(send, reply.status, reply.body, reply.headers)

    async def _answer(self, scope: asgi.Scope, receive: asgi.Receive, request_id: str) -> HttpAnswer:
        if scope["method"] == "OPTIONS":
            return answers.preflight(asgi.header(scope, b"access-control-request-headers"), request_id)
        if scope["method"] != "POST":
            message = f"{scope['method']} is not supported; send POST."
            return answers.refusal(405, "MethodNotAllowed", message, request_id, ((b"allow", b"POST, OPTIONS"),))
        credentials = of_headers(scope["headers"])
        location = locate(asgi.path(scope), asgi.host(scope))
        assert location is not None, "the gateway asks matches() first"
        if location.endpoint != "/graphql":
            message = f"{location.endpoint} is for websockets; send GraphQL requests to /graphql."
            return answers.refusal(400, "BadRequestException", message, request_id)
        apis = self._service.apis()
        api = choose(apis, location, credentials)
        if api is None:
            return answers.refusal(404, "NotFoundException", not_found(apis, location), request_id)
        began, status = self._clock.now(), 500
        try:
            reply = await self._served(api, credentials, scope, receive, request_id)
            status = reply.status
            return reply
        except CallerError as error:
            status = error.status
            raise
        finally:
            self._trace.emit(RequestAnswered(api.api_id, status, self._clock.now() - began))

    async def _served(
        self, api: ApiDefinition, credentials: Credentials, scope: asgi.Scope, receive: asgi.Receive, request_id: str
    ) -> HttpAnswer:
        """Signatures cover the body and authorizers are shown it, so it is read first."""
        reading = True
        try:
            async with Deadline(self._clock, self._limits.request_seconds, f"request {request_id}"):
                announced = (asgi.header(scope, b"content-length") or b"").decode("latin-1")
                document = await asgi.read_body(receive, announced, self._limits.request_bytes)
                reading = False
                body = parse(document) if document else None
                approach = of_request(scope, credentials, request_id, document, body)
                verdict = await self._authenticator.authenticate(api, approach)
                if isinstance(verdict, Refusal):
                    return answers.refusal(401, "UnauthorizedException", verdict.message, request_id)
                if body is None:
                    return _malformed(document, request_id)
                response = await self._service.execute(api.api_id, _request(scope, body, verdict, request_id))
        except asgi.BodyTooLarge:
            message = f"The request is larger than {self._limits.request_bytes} bytes."
            return answers.refusal(
                413, "RequestEntityTooLargeException", message, request_id, ((b"connection", b"close"),)
            )
        except TimeoutError:
            if reading:
                return answers.refusal(
                    408, "RequestTimeoutException", "The request body did not arrive in time.", request_id
                )
            response = _TIMED_OUT
        added = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
        return answers.answer(200, response.body(), request_id, ((b"x-amzn-appsync-tokensconsumed", b"1"), *added))


def _request(scope: asgi.Scope, body: RequestBody, authorized: Authorized, request_id: str) -> GraphqlRequest:
    return GraphqlRequest(
        query=body.query,
        operation_name=body.operation_name,
        variables=body.variables,
        headers=resolver_headers(scope["headers"]),
        auth_mode=authorized.mode,
        identity=authorized.identity,
        denied_fields=authorized.denied_fields,
        request_id=request_id,
    )


def _malformed(document: bytes, request_id: str) -> HttpAnswer:
    message = "Unable to parse GraphQL query." if document else "Request body is empty."
    return answers.refusal(400, "MalformedHttpRequestException", message, request_id)
