"""Channel paths, as AppSync Events takes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.graphql.channels.channel import Channel, published, subscribed
from callpark.kernel.limits import AppSyncLimits

pytestmark = pytest.mark.unit

LIMITS = AppSyncLimits()
LONG = "a" * 50


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("/default/messages", ("default", "messages")),
        ("default/messages", ("default", "messages")),
        ("/default/messages/", ("default", "messages")),
        ("default", ("default",)),
        ("/a/b/c/d/e", ("a", "b", "c", "d", "e")),
        ("/A-1/b-2", ("A-1", "b-2")),
        (f"/{LONG}/{LONG}", (LONG, LONG)),
    ],
)
def test_a_channel(text: str, segments: tuple[str, ...]) -> None:
    assert published(text, LIMITS) == subscribed(text, LIMITS) == Channel(segments)
    assert Channel(segments).path == "/" + "/".join(segments)


@pytest.mark.parametrize(
    "text",
    [
        *("", "/", "//", "//a", "a//", "a//b", "/a/b/c/d/e/f", "/a_b", "/a b", "/-a", "/a-", "/ä", "/a/*/b", "*a"),
        *(f"/{LONG}a", "/a/**", "/" + "a/" * 200_000, None, 1, ["a"], {"a": 1}),
    ],
)
def test_what_is_no_channel(text: object) -> None:
    assert published(text, LIMITS) is None
    assert subscribed(text, LIMITS) is None


@pytest.mark.parametrize(
    ("text", "segments"), [("/a/*", ("a",)), ("a/b/*", ("a", "b")), ("/a/b/c/d/*", ("a", "b", "c", "d"))]
)
def test_a_wildcard_is_for_subscribers_and_at_the_end(text: str, segments: tuple[str, ...]) -> None:
    channel = subscribed(text, LIMITS)
    assert channel == Channel(segments, wildcard=True)
    assert channel.path == "/" + text.strip("/")
    assert channel.all_segments == (*segments, "*")
    assert published(text, LIMITS) is None


@pytest.mark.parametrize("text", ["*", "/*", "/a/b/c/d/e/*"])
def test_a_wildcard_belongs_to_a_namespace_and_counts_as_a_segment(text: str) -> None:
    assert subscribed(text, LIMITS) is None


@given(st.text(max_size=60) | st.text("a/*-", max_size=20))
def test_a_path_means_what_it_came_from(text: str) -> None:
    channel = subscribed(text, LIMITS)
    if channel is not None:
        assert subscribed(channel.path, LIMITS) == channel
        assert (published(text, LIMITS) == channel) is not channel.wildcard
