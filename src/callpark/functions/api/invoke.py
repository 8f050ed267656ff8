"""Invoke and InvokeAsync: the data plane.

The gateway calls these for every invocation, so they read parameters directly.
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import base64
import binascii
import json
from collections.abc import Awaitable, Mapping

from callpark.functions import refusals
from callpark.functions.model import Invocation
from callpark.functions.service import Functions
from callpark.kernel.limits import LambdaLimits
from callpark.kernel.operations import Answer, Call, OperationTable

_ACCEPTED = Answer({"StatusCode": 202, "Payload": b""}, constant=True)
_WOULD_RUN: Mapping[str, object] = {"StatusCode": 204, "Payload": b""}
_ACCEPTED_LEGACY: Mapping[str, object] = {"Status": 202}
#: Beside JSON: what SDKs, curl and browsers send when nobody said anything.
_USUAL_TYPES = frozenset(
    {
        "",
        "application/json",
        "application/octet-stream",
        "binary/octet-stream",
        "application/x-www-form-urlencoded",
        "text/plain",
    }
)
_JSON_FAMILY = "application/x-amz-json-"


class InvokeOperations:
    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def table(self) -> OperationTable:
        return {("lambda", "Invoke"): self.invoke, ("lambda", "InvokeAsync"): self.invoke_async}

    def invoke(self, call: Call) -> Awaitable[Mapping[str, object] | Answer]:
        """Not a coroutine itself: an Event is acknowledged by the future of its commit."""
        given = call.parameters
        invocation_type = given.get("InvocationType")
        if "DurableExecutionName" in given or "TenantId" in given:
            raise refusals.invalid_parameter("callpark does not support DurableExecutionName and TenantId.")
        if invocation_type == "Event":
            return self._functions.accept(self._invocation(call, given.get("Payload")), _ACCEPTED)
        if invocation_type == "DryRun":
            return self._dry_run(call)
        if invocation_type not in (None, "RequestResponse"):
            rule = "satisfy enum value set: [Event, RequestResponse, DryRun]"
            raise refusals.validation([refusals.constraint(invocation_type, "invocationType", rule)])
        return self._invoke_now(call)

    async def _dry_run(self, call: Call) -> Mapping[str, object]:
        self._functions.dry_run(self._invocation(call, call.parameters.get("Payload")))
        return _WOULD_RUN

    async def invoke_async(self, call: Call) -> Mapping[str, object]:
        payload = call.parameters.get("InvokeArgs")
        limit = self._functions.limits.legacy_event_payload_bytes
        if isinstance(payload, bytes) and len(payload) > limit:
            raise refusals.too_large(
                f"{len(payload)} byte payload is too large for the Event invocation type (limit {limit} bytes)"
            )
        name = str(call.parameters["FunctionName"])
        event = Invocation(name, payload if isinstance(payload, bytes) else b"", request_id=call.request_id)
        await self._functions.invoke_event(event)
        return _ACCEPTED_LEGACY

    async def _invoke_now(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        tail = given.get("LogType") == "Tail"
        result = await self._functions.invoke(invocation(call, given.get("Payload"), self._functions.limits))
        members: dict[str, object] = {
            "StatusCode": 200,
            "ExecutedVersion": result.executed_version,
            "Payload": result.payload,
        }
        if result.function_error is not None:
            members["FunctionError"] = result.function_error
        if tail:
            members["LogResult"] = base64.b64encode(result.log_tail).decode()
        return members

    def _invocation(self, call: Call, payload: object) -> Invocation:
        """Client context and log tail are for synchronous calls only."""
        _check_content_type(call)
        given = call.parameters
        return Invocation(
            function=str(given["FunctionName"]),
            payload=_payload(payload),
            qualifier=_text(given.get("Qualifier")),
            request_id=call.request_id,
            trace_header=call.headers.get("x-amzn-trace-id"),
        )


def invocation(call: Call, payload: object, limits: LambdaLimits) -> Invocation:
    """A synchronous invocation as asked for. Raises CallerError."""
    _check_content_type(call)
    given = call.parameters
    context = given.get("ClientContext")
    return Invocation(
        function=str(given["FunctionName"]),
        payload=_payload(payload),
        qualifier=_text(given.get("Qualifier")),
        request_id=call.request_id,
        client_context=_client_context(context, limits) if isinstance(context, str) else None,
        trace_header=call.headers.get("x-amzn-trace-id"),
        log_tail=given.get("LogType") == "Tail",
    )


def _check_content_type(call: Call) -> None:
    """A body that says it is something else than JSON is refused; what clients send without a thought passes."""
    given = call.headers.get("content-type")
    if given is None or given in _USUAL_TYPES:
        return
    media = given.partition(";")[0].strip().lower()
    if media not in _USUAL_TYPES and not media.endswith(("json", "+json")) and not media.startswith(_JSON_FAMILY):
        raise refusals.unsupported_media_type(given)


def _client_context(encoded: str, limits: LambdaLimits) -> str:
    """The JSON text inside. Raises CallerError."""
    limit = limits.client_context_bytes
    if len(encoded) > limit:
        raise refusals.invalid_request_content(f"Client context must be no more than {limit} bytes when encoded.")
    try:
        text = base64.b64decode(encoded, validate=True).decode()
        json.loads(text)
    except (binascii.Error, ValueError, RecursionError):
        raise refusals.invalid_request_content("Client context must be a valid Base64-encoded JSON object.") from None
    return text


def _payload(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
