"""Which body a model speaks."""

import pytest

from callpark.kernel.errors import CallerError
from callpark.models.bodies.families import embedding_family, text_family

pytestmark = pytest.mark.unit

PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-20250514-v1:0"


@pytest.mark.parametrize(
    ("model_id", "family"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", "AnthropicMessages"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "AnthropicMessages"),
        ("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "AnthropicMessages"),
        (PROFILE, "AnthropicMessages"),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-express-v1", "TitanText"),
        ("amazon.nova-lite-v1:0", "Nova"),
        ("eu.amazon.nova-micro-v1:0", "Nova"),
        ("meta.llama3-8b-instruct-v1:0", "Llama"),
        ("us.meta.llama4-scout-17b-instruct-v1:0", "Llama"),
        ("mistral.mistral-7b-instruct-v0:2", "MistralText"),
        ("mistral.mixtral-8x7b-instruct-v0:1", "MistralText"),
        ("mistral.mistral-large-2407-v1:0", "MistralChat"),
        ("openai.gpt-oss-20b-1:0", "ChatCompletions"),
    ],
)
def test_models_that_write(model_id: str, family: str) -> None:
    assert type(text_family(model_id, b"{}", "")).__name__ == family
    assert embedding_family(model_id, b"{}") is None


@pytest.mark.parametrize(
    ("model_id", "family"),
    [
        ("amazon.titan-embed-text-v1", "TitanEmbeddings"),
        ("amazon.titan-embed-text-v2:0", "TitanEmbeddings"),
        ("cohere.embed-english-v3", "CohereEmbed"),
        ("cohere.embed-v4:0", "CohereEmbed"),
    ],
)
def test_models_that_embed(model_id: str, family: str) -> None:
    assert type(embedding_family(model_id, b"{}")).__name__ == family
    with pytest.raises(CallerError, match="no text"):
        text_family(model_id, b"{}", "no text")


@pytest.mark.parametrize(
    ("body", "family"),
    [
        (b'{"anthropic_version": "v"}', "AnthropicMessages"),
        (b'{"messages": [], "inferenceConfig": {}}', "Nova"),
        (b'{"inputText": "x", "textGenerationConfig": {}}', "TitanText"),
        (b'{"prompt": "x", "max_gen_len": 5}', "Llama"),
        (b'{"prompt": "x"}', "MistralText"),
        (b'{"messages": []}', "ChatCompletions"),
    ],
)
@pytest.mark.parametrize(
    "model_id", ["local", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123", "my.model"]
)
def test_a_name_that_tells_nothing_leaves_it_to_the_body(model_id: str, body: bytes, family: str) -> None:
    assert type(text_family(model_id, body, "")).__name__ == family
    assert type(embedding_family(model_id, b'{"inputText": "x"}')).__name__ == "TitanEmbeddings"


@pytest.mark.parametrize(
    ("model_id", "body"),
    [
        ("ai21.jamba-1-5-large-v1:0", b"{}"),
        ("amazon.nova-canvas-v1:0", b"{}"),
        ("amazon.titan-image-generator-v1", b"{}"),
        ("cohere.command-r-v1:0", b"{}"),
        ("meta.other", b"{}"),
        ("local", b'{"x": 1}'),
    ],
)
def test_bodies_that_nobody_here_knows(model_id: str, body: bytes) -> None:
    with pytest.raises(CallerError, match=f"callpark does not know the native body of {model_id}"):
        text_family(model_id, body, "")
