"""AMAZON_BEDROCK_RUNTIME: InvokeModel and Converse on whoever serves models, at most ten seconds. Used by `resolvers/`.

https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-bedrock-js.html
"""

import base64
from collections.abc import Mapping

import orjson

from callpark.graphql.datasources.port import Outcome, SourceError, Upstreams
from callpark.graphql.datasources.requests import Document, body_bytes, invalid, mappings, required_text
from callpark.kernel.errors import CallerError

_GUARDRAIL = {
    "guardrailIdentifier": "guardrailIdentifier",
    "guardrailVersion": "guardrailVersion",
    "guardrailTrace": "trace",
}
_CONVERSE = (
    "system",
    "inferenceConfig",
    "toolConfig",
    "guardrailConfig",
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "promptVariables",
    "performanceConfig",
    "requestMetadata",
)


class BedrockSource:
    """Every model as one data source."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams

    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        operation = required_text(request, "operation")
        if operation not in ("InvokeModel", "Converse"):
            raise invalid(f"Unsupported operation '{operation}'. Supported are: InvokeModel, Converse.")
        parameters = _invoke(request) if operation == "InvokeModel" else _converse(request)
        try:
            reply = await self._upstreams.call("bedrock-runtime", operation, parameters)
        except CallerError as error:
            return Outcome(error=SourceError(error.message, f"BedrockRuntime:{error.code}"))
        if operation == "Converse":
            return Outcome({name: value for name, value in reply.items() if name != "ResponseMetadata"})
        body = reply.get("body")
        try:
            return Outcome(orjson.loads(body) if isinstance(body, bytes | str) else body)
        except orjson.JSONDecodeError:
            return Outcome(
                error=SourceError("The model's answer is not valid JSON.", "BedrockRuntime:ModelErrorException")
            )


def _invoke(request: Document) -> dict[str, object]:
    if request.get("body") is None:
        raise invalid("Value for field '$[body]' not found.")
    parameters: dict[str, object] = {
        "modelId": required_text(request, "modelId"),
        "body": body_bytes(request["body"]),
        "contentType": "application/json",
        "accept": "application/json",
    }
    return parameters | {name: request[ours] for ours, name in _GUARDRAIL.items() if request.get(ours) is not None}


def _converse(request: Document) -> dict[str, object]:
    parameters: dict[str, object] = {
        "modelId": required_text(request, "modelId"),
        "messages": [_blobs(message) for message in mappings(request, "messages")],
    }
    return parameters | {name: request[name] for name in _CONVERSE if request.get(name) is not None}


def _blobs(value: object) -> object:
    """Images and documents are base64 text in JSON and bytes to clients."""
    if isinstance(value, list):
        return [_blobs(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64decode(member) if name == "bytes" and isinstance(member, str) else _blobs(member)
        for name, member in value.items()
    }
