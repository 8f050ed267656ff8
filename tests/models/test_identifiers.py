"""Which line of models.yaml a model id means."""

import pytest

from callpark.models.identifiers import meant, plain

pytestmark = pytest.mark.unit

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
LINES = (HAIKU, "anthropic.*", "anthropic.claude-3-*", "eu.meta.llama3-2-1b-instruct-v1:0", "meta.*", "*-embed-*")


@pytest.mark.parametrize(
    ("model_id", "line"),
    [
        (HAIKU, HAIKU),
        (f"us.{HAIKU}", HAIKU),
        (f"global.{HAIKU}", HAIKU),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}", HAIKU),
        (f"arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.{HAIKU}", HAIKU),
        ("anthropic.claude-3-opus", "anthropic.claude-3-*"),
        ("anthropic.claude-v2", "anthropic.*"),
        ("eu.meta.llama3-2-1b-instruct-v1:0", "eu.meta.llama3-2-1b-instruct-v1:0"),
        ("us.meta.llama3-2-1b-instruct-v1:0", "meta.*"),
        ("amazon.titan-embed-text-v2:0", "*-embed-*"),
        ("mistral.mistral-7b", None),
        ("", None),
        ("us.", None),
    ],
)
def test_the_line_that_says_most(model_id: str, line: str | None) -> None:
    assert meant(model_id, LINES) == line


def test_every_id_and_ids_with_signs_that_patterns_know() -> None:
    assert meant("anything at all", ("*",)) == "*"
    assert meant("a[b]c", ("a[b]*",)) == "a[b]*"
    assert meant("abc", ("a?c*",)) is None
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
    assert meant(arn, (arn, "*")) == arn
    assert meant(arn, ("abc",)) == "abc"


def test_the_model_within_an_id() -> None:
    assert plain(f"arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.{HAIKU}") == HAIKU
    assert plain("x") == "x"
