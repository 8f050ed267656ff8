"""Titan Text, Llama and Mistral: prompts that carry their roles, and answers that are one text."""

import pytest

from callpark.models.bodies.family import TextFamily
from callpark.models.bodies.llama import Llama
from callpark.models.bodies.mistral import MistralText
from callpark.models.bodies.titan_text import TitanText
from callpark.models.model import (
    GenerationRequest,
    Inference,
    Message,
    Part,
    Prompt,
    Stop,
    StopReason,
    Text,
    Token,
    Usage,
)
from tests.models.bodies.spoken import answered, malformed, read, refusal, streamed

pytestmark = pytest.mark.unit

TITAN, LLAMA, MISTRAL = TitanText(), Llama(), MistralText()
PARTS: list[Part] = [Prompt(3), Token("one"), Token(" two"), Stop("end_turn", Usage(3, 2))]


def user(text: str) -> Message:
    return Message("user", (Text(text),))


def assistant(text: str) -> Message:
    return Message("assistant", (Text(text),))


@pytest.mark.parametrize(
    ("prompt", "messages"),
    [
        ("Tell me a story", (user("Tell me a story"),)),
        ("User: hi\nBot:", (user("hi"),)),
        ("User: hi\nBot: hello\nUser: more\nBot:", (user("hi"), assistant("hello"), user("more"))),
        ("Context first.\nUser: hi\nBot:", (user("Context first.\nUser: hi\nBot:"),)),
        ("Bot: hello\nUser: hi", (user("Bot: hello\nUser: hi"),)),
        ("User: a\nUser: b\nBot:", (user("User: a\nUser: b\nBot:"),)),
    ],
)
def test_titans_turns(prompt: str, messages: tuple[Message, ...]) -> None:
    assert read(TITAN, inputText=prompt).request == GenerationRequest(messages)


def test_titans_parameters() -> None:
    configuration = {"temperature": 0, "topP": 0.9, "maxTokenCount": 5, "stopSequences": ["User:"]}
    request = read(TITAN, inputText="x", textGenerationConfig=configuration).request
    assert request.inference == Inference(5, 0.0, 0.9, None, ("User:",))
    assert read(TITAN, inputText="x", textGenerationConfig={"maxTokenCount": 0}).request.inference == Inference()


@pytest.mark.parametrize(
    ("prompt", "messages", "system"),
    [
        (
            "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            (user("hi"),),
            ("Be brief.",),
        ),
        (
            "<|start_header_id|>user<|end_header_id|>a<|eot_id|><|start_header_id|>assistant<|end_header_id|>b<|eot_id|>"
            "<|start_header_id|>user<|end_header_id|>c<|eot_id|>",
            (user("a"), assistant("b"), user("c")),
            (),
        ),
        ("<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nhi [/INST]", (user("hi"),), ("Be brief.",)),
        ("<s>[INST] a [/INST] b </s><s>[INST] c [/INST]", (user("a"), assistant("b"), user("c")), ()),
    ],
)
def test_llamas_turns(prompt: str, messages: tuple[Message, ...], system: tuple[str, ...]) -> None:
    asked = read(LLAMA, prompt=prompt, max_gen_len=5, temperature=0.5, top_p=0.9)
    assert asked.request == GenerationRequest(messages, system, Inference(5, 0.5, 0.9))


def test_text_without_roles_is_gone_on_with() -> None:
    assert read(LLAMA, prompt="Once upon").request == GenerationRequest(
        prompt="Once upon", inference=Inference(max_tokens=512)
    )
    assert read(MISTRAL, prompt="Once upon").request == GenerationRequest(
        prompt="Once upon", inference=Inference(max_tokens=512)
    )
    only_system = "<|start_header_id|>system<|end_header_id|>x"
    assert read(LLAMA, prompt=only_system).request.prompt == only_system


def test_mistrals_parameters() -> None:
    asked = read(MISTRAL, prompt="<s>[INST] hi [/INST]", max_tokens=5, temperature=0.5, top_p=0.9, top_k=50, stop=["X"])
    assert asked.request == GenerationRequest((user("hi"),), inference=Inference(5, 0.5, 0.9, 50, ("X",)))


@pytest.mark.parametrize(
    ("family", "body", "problem"),
    [
        (TITAN, {}, "#: required key [inputText] not found"),
        (TITAN, {"inputText": "x", "max_tokens": 1}, "#: extraneous key [max_tokens] is not permitted"),
        (
            TITAN,
            {"inputText": "x", "textGenerationConfig": {"stopSequences": "s"}},
            "#/textGenerationConfig/stopSequences: expected type: JSONArray, found: String",
        ),
        (
            LLAMA,
            {"inputText": "x"},
            "#: required key [prompt] not found, #: extraneous key [inputText] is not permitted",
        ),
        (LLAMA, {"prompt": "x", "max_gen_len": 9000}, "#/max_gen_len: 9000 is not less or equal to 8192"),
        (MISTRAL, {"prompt": "x", "stop": [1]}, "#/stop/0: expected type: String, found: Integer"),
    ],
)
def test_malformed(family: TextFamily, body: dict[str, object], problem: str) -> None:
    assert refusal(family, **body) == malformed(problem)


def test_titans_answer() -> None:
    assert answered(TITAN, PARTS) == {
        "inputTextTokenCount": 3,
        "results": [{"tokenCount": 2, "outputText": "one two", "completionReason": "FINISH"}],
    }
    chunks = streamed(TITAN, PARTS)
    assert [chunk["outputText"] for chunk in chunks] == ["one", " two", ""]
    assert chunks[0] == {
        "outputText": "one",
        "index": 0,
        "totalOutputTextTokenCount": None,
        "completionReason": None,
        "inputTextTokenCount": 3,
    }
    assert (chunks[2]["totalOutputTextTokenCount"], chunks[2]["completionReason"]) == (2, "FINISH")


def test_llamas_answer() -> None:
    assert answered(LLAMA, PARTS) == {
        "generation": "one two",
        "prompt_token_count": 3,
        "generation_token_count": 2,
        "stop_reason": "stop",
    }
    assert [tuple(chunk.values()) for chunk in streamed(LLAMA, PARTS)] == [
        ("one", 3, 1, None),
        (" two", None, 2, None),
        ("", None, 2, "stop"),
    ]
    assert [tuple(chunk.values()) for chunk in streamed(LLAMA, [Stop("end_turn", Usage(3, 0))])] == [("", 3, 0, "stop")]


def test_mistrals_answer() -> None:
    assert answered(MISTRAL, PARTS) == {"outputs": [{"text": "one two", "stop_reason": "stop"}]}
    assert streamed(MISTRAL, PARTS) == [
        {"outputs": [{"text": "one", "stop_reason": None}]},
        {"outputs": [{"text": " two", "stop_reason": None}]},
        {"outputs": [{"text": "", "stop_reason": "stop"}]},
    ]


@pytest.mark.parametrize(
    ("reason", "titan", "others"),
    [
        ("end_turn", "FINISH", "stop"),
        ("max_tokens", "LENGTH", "length"),
        ("stop_sequence", "STOP_CRITERIA_MET", "stop"),
        ("content_filtered", "CONTENT_FILTERED", "stop"),
    ],
)
def test_reasons_to_stop(reason: StopReason, titan: str, others: str) -> None:
    parts: list[Part] = [Token("x"), Stop(reason, Usage(1, 1))]
    assert answered(TITAN, parts)["results"][0]["completionReason"] == titan
    assert answered(LLAMA, parts)["stop_reason"] == others
    assert answered(MISTRAL, parts)["outputs"][0]["stop_reason"] == others
