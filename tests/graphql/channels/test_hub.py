"""Fan-out by channel: the trie against the rule, said plainly."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.graphql.channels.channel import Channel
from callpark.graphql.channels.hub import ChannelHub

pytestmark = pytest.mark.unit

segments = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(tuple)
channels = st.builds(Channel, segments, st.booleans())


def hears(subscription: Channel, broadcast: Channel) -> bool:
    here = broadcast.segments[: len(subscription.segments)] == subscription.segments
    deeper = len(broadcast.segments) > len(subscription.segments)
    return here and deeper if subscription.wildcard else subscription.segments == broadcast.segments


@given(st.lists(st.tuples(channels, st.booleans())), st.lists(segments.map(Channel)))
def test_everybody_hears_what_they_asked_for_until_they_leave(
    subscriptions: list[tuple[Channel, bool]], broadcasts: list[Channel]
) -> None:
    hub = ChannelHub()
    heard: dict[int, list[bytes | None]] = {}
    detaching = []
    for number, (channel, _) in enumerate(subscriptions):
        detaching.append(hub.attach("api", channel, heard.setdefault(number, []).append))
    for detach, (_, leaves) in zip(detaching, subscriptions, strict=True):
        if leaves:
            detach()
            detach()
    staying = [number for number, (_, leaves) in enumerate(subscriptions) if not leaves]
    assert hub.subscriptions("api") == len(staying)
    for index, channel in enumerate(broadcasts):
        expected = [number for number in staying if hears(subscriptions[number][0], channel)]
        assert hub.broadcast("api", channel, b"%d" % index) == len(expected)
        assert hub.broadcast("another", channel, b"no") == 0
        assert [number for number in heard if heard[number][-1:] == [b"%d" % index]] == expected
    for number in staying:
        detaching[number]()
    assert hub.subscriptions("api") == 0
    assert not hub._roots  # nothing is left of channels that nobody listens to


def test_whoever_leaves_during_a_broadcast_is_no_trouble() -> None:
    hub, heard = ChannelHub(), list[bytes | None]()
    ends: list[Callable[[], None]] = []

    def leave(ending: bytes | None) -> None:
        heard.append(ending)
        for end in ends:
            end()

    ends += [hub.attach("api", Channel(("a", "b")), leave) for _ in range(3)]
    ends.append(hub.attach("api", Channel(("a",), wildcard=True), leave))
    assert hub.broadcast("api", Channel(("a", "b")), b"x") == 4
    assert heard == [b"x"] * 4
    assert hub.broadcast("api", Channel(("a", "b")), b"y") == 0
