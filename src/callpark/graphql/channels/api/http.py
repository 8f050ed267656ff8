"""`POST …/event`: who is it, what do they publish, what became of it.

Called by `web.py` for HTTP scopes. Everything ends in one JSON answer; a bug of ours is logged with the request id and
answered with 500. AWS does not say what a good answer holds: ours is what `publish_success` has.
https://docs.aws.amazon.com/appsync/latest/eventapi/publish-http.html
"""

import logging
from dataclasses import dataclass

import orjson

from callpark.graphql.api import answers
from callpark.graphql.api.answers import HttpAnswer
from callpark.graphql.api.location import choose
from callpark.graphql.api.resolver_headers import resolver_headers
from callpark.graphql.auth.authenticator import Authenticator
from callpark.graphql.auth.credentials import Credentials, of_headers
from callpark.graphql.channels.api.door import admit, of_request, to_publish
from callpark.graphql.channels.api.location import ENDPOINT, locate, not_found
from callpark.graphql.channels.asking import bad_request, publication
from callpark.graphql.channels.happenings import RequestServed
from callpark.graphql.channels.messages import Asker, ChannelRefused, PublishAsked
from callpark.graphql.channels.model import EventApiDefinition
from callpark.graphql.channels.service import EventApis
from callpark.kernel import asgi
from callpark.kernel.clock import Clock
from callpark.kernel.deadline import Deadline
from callpark.kernel.ids import Ids
from callpark.kernel.limits import AppSyncLimits
from callpark.kernel.trace import Trace

_log = logging.getLogger("callpark")


@dataclass(frozen=True, slots=True)
class ChannelsHttp:
    service: EventApis
    authenticator: Authenticator
    clock: Clock
    ids: Ids
    limits: AppSyncLimits
    trace: Trace

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        request_id = self.ids.uuid()
        try:
            reply = await self._answer(scope, receive, request_id)
        except asgi.ClientGone:
            return
        except Exception as error:
            reply = self._refusal(error, scope, request_id)
        await asgi.respond(send, reply.status, reply.body, reply.headers)

    async def _answer(self, scope: asgi.Scope, receive: asgi.Receive, request_id: str) -> HttpAnswer:
        """Raises ChannelRefused and ClientGone."""
        if scope["method"] == "OPTIONS":
            return answers.preflight(asgi.header(scope, b"access-control-request-headers"), request_id)
        if scope["method"] != "POST":
            message = f"{scope['method']} is not supported; send POST."
            return answers.refusal(405, "MethodNotAllowed", message, request_id, ((b"allow", b"POST, OPTIONS"),))
        location = locate(asgi.path(scope), asgi.host(scope))
        assert location is not None, "the gateway asks matches() first"
        if location.endpoint != ENDPOINT:
            raise bad_request(f"{location.endpoint} is for websockets; publish to {ENDPOINT}.")
        credentials = of_headers(scope["headers"])
        apis = self.service.apis()
        api = choose(apis, location, credentials)
        if api is None:
            raise ChannelRefused("NotFoundException", not_found(apis, location), 404)
        began = self.clock.now()
        try:
            reply = await self._carried_out(api, credentials, scope, receive, request_id)
        except asgi.ClientGone:
            raise
        except Exception as error:
            reply = self._refusal(error, scope, request_id)
        self.trace.emit(RequestServed(api.api_id, reply.status, self.clock.now() - began))
        return reply

    def _refusal(self, error: Exception, scope: asgi.Scope, request_id: str) -> HttpAnswer:
        match error:
            case ChannelRefused():
                return answers.refusal(error.status, error.error_type, error.message, request_id)
            case asgi.BodyTooLarge():
                message = f"The request is larger than {self.limits.publish_bytes} bytes."
                closing = ((b"connection", b"close"),)
                return answers.refusal(413, "RequestEntityTooLargeException", message, request_id, closing)
            case TimeoutError():
                message = "The request did not arrive in time."
                return answers.refusal(408, "RequestTimeoutException", message, request_id)
        text = "request %s (%s %s) failed: a bug in callpark"
        _log.error(text, request_id, scope["method"], scope["path"], exc_info=error)
        return answers.refusal(500, "InternalFailure", f"Internal failure of request {request_id}.", request_id)

    async def _carried_out(
        self, api: EventApiDefinition, credentials: Credentials, scope: asgi.Scope, receive: asgi.Receive, id: str
    ) -> HttpAnswer:
        """Raises ChannelRefused, BodyTooLarge, TimeoutError and ClientGone."""
        announced = (asgi.header(scope, b"content-length") or b"").decode("latin-1")
        async with Deadline(self.clock, self.limits.request_seconds, f"request {id}"):
            body = await asgi.read_body(receive, announced, self.limits.publish_bytes)
        return await self._published(api, credentials, scope, body, id)

    async def _published(
        self, api: EventApiDefinition, credentials: Credentials, scope: asgi.Scope, body: bytes, request_id: str
    ) -> HttpAnswer:
        asked = self._asked(body)
        approach = of_request(scope, credentials, request_id, body, asked.channel)
        authorized = await admit(self.authenticator, to_publish(api, asked.channel), approach)
        asker = Asker(request_id, authorized.mode, authorized.identity, resolver_headers(scope["headers"]))
        done = await self.service.publish(self.service.take_place(api.api_id, asked), asker)
        return answers.answer(200, orjson.dumps(done.members()), request_id)

    def _asked(self, body: bytes) -> PublishAsked:
        try:
            members = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise bad_request("The request body is not JSON." if body else "Request body is empty.") from None
        if not isinstance(members, dict):
            raise bad_request("The request body must be an object with channel and events.")
        return publication(members, self.limits)
