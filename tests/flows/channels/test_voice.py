"""How long a prompt lasts and what the ear gets of it."""

import pytest
from hypothesis import event, given
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


SOUND = st.sampled_from(
    [
        *("word ", "&amp;", "<p>one</p>", "<break/>", "<break strength='strong'/>", "<sub alias='alias'>x</sub>"),
        *("<break time='250ms'/>", "<break time='+1.5s'/>", "<break time='11s'/>", "<!-- c -->", "<?x?>"),
        "<amazon:effect name='whispered'>two</amazon:effect>",
    ]
)
UNSOUND = st.sampled_from(["&", "<", "<p>", "</p>", "</speak>"]) | st.text(
    alphabet="0123456789.msx-+ ", max_size=6
).map(lambda time: f"<break time='{time}'/>")


@given(st.lists(SOUND, max_size=8), st.none() | UNSOUND, st.lists(SOUND, max_size=3))
def test_any_ssml_is_heard_or_refused(before: list[str], unsound: str | None, after: list[str]) -> None:
    content = f"<speak>{''.join(before)}{unsound or ''}{''.join(after)}</speak>"
    try:
        heard = hear(Prompt("ssml", content), LIMITS)
    except BadPrompt:
        assert unsound is not None
        event("refused")
        return
    event("heard")
    assert heard.words == len(heard.text.split())
    assert heard.words <= heard.seconds <= heard.words + 12 * LIMITS.prompt_break_seconds
