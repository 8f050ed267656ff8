"""Whatever a client says to Bedrock's runtime is answered or refused: never a 500, and no generation is left over."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.gateway.codecs import error_codec, operation_codec
from callpark.gateway.models import service_model
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.models.backends.scripted import Reply, ToolReply
from tests.gateway.parameters import house, values
from tests.models.api.scene import SERVICE, Scene, scripted

pytestmark = pytest.mark.sim

OPERATIONS = sorted(name for service, name in Scene(VirtualClock(), SeededIds(1), {}).table if service == SERVICE)
HELLO = {"role": "user", "content": [{"text": "hello"}]}
USE = {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "weather", "input": {"a": [1]}}}]}
RESULT = {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"json": {"b": None}}]}}]}
TOOLS = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}]}

KNOWN: Mapping[str, list[object]] = {
    "modelId": [],
    "messages": [[HELLO], [HELLO, USE, RESULT], [USE], [HELLO, HELLO], []],
    "toolConfig": [TOOLS],
    "inferenceConfig": [{}, {"maxTokens": 1, "temperature": 0.0, "topP": 1.0, "stopSequences": ["l", "hello"]}],
    "guardrailConfig": [{}],
    "guardrailIdentifier": [""],
    "guardrailVersion": [""],
    "promptVariables": [{}],
    "outputConfig": [{}],
    "contentType": ["application/json"],
    "accept": ["*/*", "application/json"],
    "input": [{"converse": {"messages": [HELLO]}}, {"invokeModel": {"body": b"{}"}}],
    "performanceConfigLatency": ["standard"],
}
"""What drawn parameters hardly ever hit."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
#: Members of all families' bodies, with values that fit one of them or none.
MEMBERS: Mapping[str, list[object]] = {
    "anthropic_version": ["bedrock-2023-05-31"],
    "max_tokens": [1, 100],
    "messages": [
        [{"role": "user", "content": "hi"}],
        [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text"}]}]}],
        [{"role": "assistant", "content": None, "tool_calls": [{"id": "t", "function": {"name": "w"}}]}],
        [HELLO, USE, RESULT],
        [HELLO],
    ],
    "system": ["s", [{"text": "s"}], [{"type": "text", "text": "s"}]],
    "inputText": ["hi", "User: hi\nBot:", ""],
    "textGenerationConfig": [{"maxTokenCount": 1}, {}],
    "prompt": ["hi", "[INST] <<SYS>> [/INST]", "<|start_header_id|>user<|end_header_id|>x"],
    "max_gen_len": [1],
    "texts": [["a", "b"], []],
    "input_type": ["search_query"],
    "embedding_types": [["int8", "float", "ubinary"]],
    "embeddingTypes": [["binary"]],
    "dimensions": [256, 1],
    "normalize": [False],
    "tools": [
        [{"name": "w", "input_schema": {}}],
        [{"type": "function", "function": {"name": "w"}}],
        [{"type": "bash", "name": "w"}],
    ],
    "tool_choice": ["any", {"type": "any"}, {"type": "tool", "name": "w"}, {"type": "function"}],
    "toolConfig": [TOOLS],
    "inferenceConfig": [{"max_new_tokens": 1}, {"maxTokens": 1, "topK": 5}],
    "stop_sequences": [["h"]],
    "stop": ["h", ["h"]],
    "thinking": [{"type": "enabled"}],
    "temperature": [0, 0.5, 2],
}
ANYTHING = {name: st.sampled_from(known * 3) | st.sampled_from(known) | JSON for name, known in MEMBERS.items()}
#: Model → what its bodies must have, and what they may.
FAMILIES: Mapping[str, tuple[dict[str, object], list[str]]] = {
    "anthropic.claude-3-haiku-20240307-v1:0": (
        {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]},
        ["messages", "system", "tools", "tool_choice", "stop_sequences", "thinking", "temperature"],
    ),
    "us.amazon.nova-lite-v1:0": ({"messages": [HELLO]}, ["messages", "system", "toolConfig", "inferenceConfig"]),
    "amazon.titan-text-express-v1": ({"inputText": "hi"}, ["inputText", "textGenerationConfig"]),
    "amazon.titan-embed-text-v2:0": ({"inputText": "hi"}, ["dimensions", "normalize", "embeddingTypes"]),
    "meta.llama3-8b-instruct-v1:0": ({"prompt": "hi"}, ["prompt", "max_gen_len", "temperature"]),
    "mistral.mistral-7b-instruct-v0:2": ({"prompt": "hi"}, ["prompt", "stop", "max_tokens", "temperature"]),
    "mistral.mistral-large-2407-v1:0": (
        {"messages": [{"role": "user", "content": "hi"}]},
        ["messages", "stop", "tools", "tool_choice", "max_tokens"],
    ),
    "cohere.embed-english-v3": ({"texts": ["a"], "input_type": "search_query"}, ["texts", "embedding_types"]),
    "local": ({"messages": [{"role": "user", "content": "hi"}]}, sorted(MEMBERS)),
}
MODELS = sorted(FAMILIES)
KNOWN["modelId"].extend(MODELS)


def bodies(model_id: str) -> st.SearchStrategy[bytes]:
    core, optional = FAMILIES[model_id]
    names = st.lists(st.sampled_from(optional), max_size=2, unique=True)
    strange = st.lists(st.sampled_from([*optional] * 3 + sorted(MEMBERS)), max_size=3, unique=True)
    more = (names | strange).flatmap(lambda found: st.fixed_dictionaries({name: ANYTHING[name] for name in found}))
    return more.map(lambda found: orjson.dumps({**core, **found})) | st.sampled_from([b"", b"{", b"[]", b"\xff"])


REPLIES = (
    Reply(tokens=("he", "l", "lo there")),
    Reply(tokens=("x",), tool=ToolReply("weather", {"city": "Oslo"})),
    Reply(tokens=()),
)


def drawn(operation: str, data: st.DataObject) -> dict[str, Any]:
    """Each member by itself, most of them from what is known: whole requests of this service are vast."""
    shape = service_model(SERVICE).operation_model(operation).input_shape
    assert shape is not None
    parameters: dict[str, Any] = {}
    for name, part in shape.members.items():
        chance = data.draw(st.integers(0, 9))
        if name == "body":
            parameters[name] = data.draw(bodies(data.draw(st.sampled_from(MODELS))))
        elif name in KNOWN and (chance < 4 or name in shape.required_members):
            parameters[name] = data.draw(st.sampled_from(KNOWN[name]))
        elif chance == 4 or name in shape.required_members or (name == "messages" and chance < 7):
            parameters[name] = house(data.draw(values(part, 2)))
    return parameters


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_any_request_is_answered_or_refused(data: st.DataObject) -> None:
    operation = data.draw(st.sampled_from(OPERATIONS))
    parameters = drawn(operation, data)
    reply = data.draw(st.sampled_from(REPLIES))
    asyncio.run(asked(operation, parameters, reply))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    st.sampled_from(["InvokeModel", "InvokeModelWithResponseStream"]),
    st.sampled_from(MODELS).flatmap(lambda model_id: st.tuples(st.just(model_id), bodies(model_id))),
    st.sampled_from(REPLIES),
)
def test_any_body_is_answered_or_refused(operation: str, model_and_body: tuple[str, bytes], reply: Reply) -> None:
    model_id, body = model_and_body
    asyncio.run(asked(operation, {"modelId": model_id, "body": body}, reply))


async def asked(operation: str, parameters: Mapping[str, Any], reply: Reply) -> None:
    clock, ids = VirtualClock(), SeededIds(1)
    scene = Scene(clock, ids, {"*": scripted(clock, ids, reply)})
    refused: CallerError | None = None
    try:
        answer = await scene.call(operation, **parameters)
        response = operation_codec(SERVICE, operation, "rest-json").serialise(answer, "r")
        if response.stream is not None:
            pieces = [piece async for piece in response.stream]
            assert not any(b"exception" in piece for piece in pieces)
    except CallerError as refusal:
        refused = refusal
    assert refused is None or error_codec(SERVICE, "rest-json")(refused, "r").status < 500
    assert clock.explain().endswith(" 0 timers armed")
