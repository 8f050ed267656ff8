"""How long a prompt lasts and what the ear gets of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.flows.channels.voice import hear
from callpark.flows.prompts import BadPrompt, Prompt
from callpark.kernel.limits import ConnectLimits

pytestmark = pytest.mark.unit

LIMITS = ConnectLimits(words_per_minute=60)


@pytest.mark.parametrize(
    ("kind", "content", "text", "words", "seconds"),
    [
        ("text", "one two  three", "one two three", 3, 3),
        ("text", "", "", 0, 0),
        ("text", "   ", "", 0, 0),
        ("ssml", "<speak>one <break time='500ms'/>two</speak>", "one two", 2, 2.5),
        ("ssml", "<speak><break time='2s'/></speak>", "", 0, 2),
        ("ssml", "<speak><break time='60s'/></speak>", "", 0, 10),
        ("ssml", "<speak><break strength='x-strong'/><break/>x</speak>", "x", 1, 2.6),
        ("ssml", "<speak><p>one<s>two</s></p><prosody rate='fast'>three</prosody></speak>", "one two three", 3, 3),
        ("ssml", "<speak><sub alias='World Wide Web'>WWW</sub> is up</speak>", "World Wide Web is up", 5, 5),
        ("ssml", "<speak><amazon:effect name='whispered'>psst</amazon:effect></speak>", "psst", 1, 1),
        ("ssml", "<speak>a <!-- comment --> b</speak>", "a b", 2, 2),
        ("ssml", "<speak>Tom &amp; Jerry</speak>", "Tom & Jerry", 3, 3),
        ("recording", "arn:aws:connect:…:instance/i/prompt/p", "[recording p]", 1, 60),
    ],
)
def test_what_is_heard(kind: str, content: str, text: str, words: int, seconds: float) -> None:
    heard = hear(Prompt(kind, content), LIMITS)  # type: ignore[arg-type]
    assert (heard.text, heard.words) == (text, words)
    assert heard.seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    "content",
    [
        "<speak>",
        "text",
        "<p>x</p>",
        "<!DOCTYPE x><speak/>",
        "<speak>&nbsp;</speak>",
        "<speak><break time='..s'/></speak>",
    ],
)
def test_broken_ssml(content: str) -> None:
    with pytest.raises(BadPrompt):
        hear(Prompt("ssml", content), LIMITS)


def test_6000_characters_and_no_more() -> None:
    hear(Prompt("text", "x" * 6_000), LIMITS)
    with pytest.raises(BadPrompt, match="6001 characters"):
        hear(Prompt("text", "x" * 6_001), LIMITS)


def test_deep_ssml_is_heard() -> None:
    deep = "<speak>" + "<p>" * 800 + "x" + "</p>" * 800 + "</speak>"
    assert hear(Prompt("ssml", deep), LIMITS).text == "x"


@given(st.text(alphabet="<>/speak brt='1s\"&;! ", max_size=60))
def test_any_ssml_is_heard_or_refused(content: str) -> None:
    try:
        heard = hear(Prompt("ssml", content), LIMITS)
    except BadPrompt:
        return
    assert heard.seconds >= 0
