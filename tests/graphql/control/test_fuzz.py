"""Whatever a client says to AppSync's control plane, it is answered or refused: never a 500, and what was there before
goes on answering, or was changed by what was accepted."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.gateway.codecs import error_codec, operation_codec
from callpark.gateway.models import service_model
from callpark.graphql.api.operations import operations
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.operations import Answer, Call
from callpark.store.memory import MemoryStore
from tests.gateway.parameters import house, members
from tests.graphql.control.scene import HELLO, RUNTIME, Scene

pytestmark = pytest.mark.sim

KNOWN: Mapping[str, list[object]] = {
    "name": ["none", "other"],
    "dataSourceName": ["none", "none", "gone"],
    "typeName": ["Query", "Query", "Query", "Item", "Gone"],
    "fieldName": ["hello", "item", "item", "name"],
    "maxBatchSize": [0, 5],
    "ttl": [60],
    "code": [HELLO, "export const request = () => ({})", "nonsense("],
    "runtime": [RUNTIME],
    "requestMappingTemplate": ["{}", "#if("],
    "responseMappingTemplate": ["$util.toJson($ctx.result)", "#end"],
    "template": ["$ctx", "#if("],
    "context": ["{}", "[]", '{"arguments": 1, "stash": [], "identity": "x"}', '{"info": {"variables": 1}}'],
    "definition": ["type Query { hello: Int }", "type New { a: Item }", "", "type {", "{}", "schema { query: Item }"],
    "expires": [0, -1, 10**12],
    "cachingConfig": [{"ttl": 0}, {"ttl": 60, "cachingKeys": ["$context.arguments.id", "x"]}],
    "pipelineConfig": [{}, {"functions": []}, {"functions": ["gone"]}],
    "environmentVariables": [{}, {"AB": "c"}],
}
"""What drawn parameters hardly ever hit."""


CALLS = 15


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_any_calls_one_after_another_are_answered_or_refused(data: st.DataObject) -> None:
    asyncio.run(conversation(data))


async def conversation(data: st.DataObject) -> None:
    clock = VirtualClock()
    scene = await Scene(clock, SeededIds(1), MemoryStore(clock)).with_hello()
    function = await scene.call("CreateFunction", name="f", dataSourceName="none", requestMappingTemplate="{}")
    known: dict[str, list[object]] = {
        **KNOWN,
        "apiId": [*[scene.api_id] * 9, "gone"],
        "functionId": [function["functionConfiguration"]["functionId"], "gone"],
        "id": [(await scene.call("CreateApiKey"))["apiKey"]["id"], "gone"],
        "resourceArn": [scene.plane.arn(scene.api_id)],
    }
    names = sorted({operation for _, operation in operations(scene.plane)} - {"DeleteGraphqlApi"})
    for _ in range(CALLS):
        operation = data.draw(st.sampled_from(names))
        await one_call(scene, operation, drawn(operation, known, data))
    restarted = await scene.restarted()
    assert restarted.plane.apis() == scene.plane.apis(), "what was accepted is what was kept"
    scene.service.close()
    restarted.service.close()


def drawn(operation: str, known: Mapping[str, list[object]], data: st.DataObject) -> dict[str, object]:
    model = service_model("appsync").operation_model(operation)
    parameters = house(data.draw(members(model.input_shape))) if model.input_shape else {}
    assert isinstance(parameters, dict)
    for name, values in known.items():
        if name in parameters and data.draw(st.integers(0, 15)):
            value = data.draw(st.sampled_from(values))
            parameters[name] = str(value).encode() if isinstance(parameters[name], bytes) else value
    return parameters


async def one_call(scene: Scene, operation: str, parameters: Mapping[str, object]) -> None:
    codec = operation_codec("appsync", operation, "rest-json")
    refused: CallerError | None = None
    try:
        codec.validate(parameters)
        codec.serialise(Answer(await scene.answer(Call("appsync", operation, parameters, "r", Place()))), "r")
    except CallerError as refusal:
        refused = refusal
    assert refused is None or error_codec("appsync", "rest-json")(refused, "r").status < 500
