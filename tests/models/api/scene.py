"""Bedrock's operations on scripted models, called as the gateway calls them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson

from callpark.gateway.codecs import operation_codec
from callpark.kernel.arn import Place
from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.operations import Answer, Call
from callpark.kernel.trace import Trace
from callpark.models.api.operations import operations
from callpark.models.backends.port import Backend
from callpark.models.backends.scripted import Reply, Script, ScriptedModel
from callpark.models.service import Models

CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"
SERVICE = "bedrock-runtime"
HELLO: list[object] = [{"role": "user", "content": [{"text": "hello"}]}]


class Scene:
    """`backends` by model id or pattern."""

    def __init__(self, clock: Clock, ids: Ids, backends: Mapping[str, Backend]) -> None:
        self.trace = Trace(clock)
        self.models = Models(clock, backends)
        self.table = operations(self.models, clock, ids, self.trace)

    async def call(
        self,
        operation: str,
        client_gone: Callable[[], Awaitable[None]] | None = None,
        **parameters: Any,
    ) -> Answer:
        given = {"modelId": CLAUDE, **parameters}
        operation_codec(SERVICE, operation, "rest-json").validate(given)
        call = Call(SERVICE, operation, given, "r-1", Place(), {}, client_gone)
        answer = await self.table[SERVICE, operation](call)
        return answer if isinstance(answer, Answer) else Answer(answer)

    async def members(self, operation: str, **parameters: Any) -> Any:
        """What a client would read."""
        answer = await self.call(operation, **parameters)
        response = operation_codec(SERVICE, operation, "rest-json").serialise(answer, "r-1")
        return orjson.loads(response.body)

    async def invoked(self, model_id: str, **body: object) -> Any:
        return await self.members("InvokeModel", modelId=model_id, body=orjson.dumps(body))

    def happenings(self) -> list[object]:
        return [entry.happening for entry in self.trace.entries()]


def scripted(clock: Clock, ids: Ids, *replies: Reply, token_seconds: float = 0.0) -> ScriptedModel:
    return ScriptedModel(Script(replies or (Reply(),), token_seconds=token_seconds), clock, ids)
