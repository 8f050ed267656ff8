"""Whatever a client says to AppSync's control plane, it is answered or refused: never a 500, and what was there before
goes on answering, or was changed by what was accepted."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.gateway.codecs import error_codec, operation_codec
from callpark.gateway.models import service_model
from callpark.graphql.api.operations import operations
from callpark.graphql.control.model import ManagedApi
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.operations import Answer, Call
from callpark.store.memory import MemoryStore
from tests.gateway.parameters import house, members
from tests.graphql.control.scene import HELLO, RUNTIME, Scene

pytestmark = pytest.mark.sim

MADE = object()
"""Stands for what the conversation itself makes."""

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
    "apiId": [*[MADE] * 9, "gone"],
    "functionId": [MADE, "gone"],
    "id": [MADE, "gone"],
    "resourceArn": [MADE],
}
"""What drawn parameters hardly ever hit."""

CALLS = 15
_CLOCK = VirtualClock()
#: Of operations that are served; deleting the API would leave nothing to talk to.
OPERATIONS = sorted(
    {name for _, name in operations(Scene(_CLOCK, SeededIds(1), MemoryStore(_CLOCK)).plane)} - {"DeleteGraphqlApi"}
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_any_calls_one_after_another_are_answered_or_refused(data: st.DataObject) -> None:
    # All is drawn before anything is called: what a call does can then not change what is drawn.
    asyncio.run(conversation([drawn(data.draw(st.sampled_from(OPERATIONS)), data) for _ in range(CALLS)]))


async def conversation(calls: Sequence[tuple[str, dict[str, object]]]) -> None:
    clock = VirtualClock()
    scene = await Scene(clock, SeededIds(1), MemoryStore(clock)).with_hello()
    function = await scene.call("CreateFunction", name="f", dataSourceName="none", requestMappingTemplate="{}")
    made: dict[str, object] = {
        "apiId": scene.api_id,
        "functionId": function["functionConfiguration"]["functionId"],
        "id": (await scene.call("CreateApiKey"))["apiKey"]["id"],
        "resourceArn": scene.plane.arn(scene.api_id),
    }
    for operation, parameters in calls:
        known = {name: made[name] if value is MADE else value for name, value in parameters.items()}
        await one_call(scene, operation, known)
    restarted = await scene.restarted()
    assert kept(restarted) == kept(scene), "what was accepted is what was kept"
    scene.service.close()
    restarted.service.close()


def kept(scene: Scene) -> dict[str, ManagedApi]:
    return {api.definition.api_id: api for api in scene.plane.apis()}


def drawn(operation: str, data: st.DataObject) -> tuple[str, dict[str, object]]:
    model = service_model("appsync").operation_model(operation)
    parameters = house(data.draw(members(model.input_shape))) if model.input_shape else {}
    assert isinstance(parameters, dict)
    for name, values in KNOWN.items():
        if name in parameters and data.draw(st.integers(0, 15)):
            value = data.draw(st.sampled_from(values))
            parameters[name] = str(value).encode() if isinstance(parameters[name], bytes) else value
    return operation, parameters


async def one_call(scene: Scene, operation: str, parameters: Mapping[str, object]) -> None:
    codec = operation_codec("appsync", operation, "rest-json")
    refused: CallerError | None = None
    try:
        codec.validate(parameters)
        codec.serialise(Answer(await scene.answer(Call("appsync", operation, parameters, "r", Place()))), "r")
    except CallerError as refusal:
        refused = refusal
    assert refused is None or error_codec("appsync", "rest-json")(refused, "r").status < 500
