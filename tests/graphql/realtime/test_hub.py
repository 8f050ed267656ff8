"""Fan-out: who gets what, how often it is made, and that nobody's trouble is another's."""

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from callpark.graphql.happenings import Invalidated, Published, Subscribed, Unsubscribed
from callpark.graphql.messages import Invalidation, Publication
from callpark.graphql.realtime.hub import Hub
from callpark.graphql.subscriptions import PreparedSubscription
from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import AppSyncLimits
from callpark.kernel.trace import Trace

pytestmark = pytest.mark.unit


class Counter:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, value: object) -> dict[str, object]:
        self.calls += 1
        return {"data": {"onSay": value}}


def prepared(
    project: Counter,
    arguments: dict[str, object] | None = None,
    shape: str = "s",
    mutations: tuple[str, ...] = ("say",),
) -> PreparedSubscription:
    return PreparedSubscription("onSay", arguments or {}, mutations, shape, project)


@pytest.fixture
def trace(clock: VirtualClock) -> Trace:
    return Trace(clock)


@pytest.fixture
def hub(trace: Trace) -> Hub:
    return Hub(trace, AppSyncLimits())


def test_the_payload_is_made_once_per_shape_and_handed_to_everybody(hub: Hub, trace: Trace) -> None:
    project, got = Counter(), list[bytes]()
    for number in range(50):
        hub.attach("a", prepared(project, shape="s", arguments={"to": "x"} if number % 2 else {}), got.append)
    for _ in range(10):
        hub.attach("a", prepared(project, shape="t"), got.append)
    hub.publish(Publication("a", "say", {"to": "x"}))
    assert len(got) == 60
    assert project.calls == 2
    assert set(got) == {b'{"data":{"onSay":{"to":"x"}}}}'}
    assert [entry.happening for entry in trace.entries()][60:] == [Published("a", "say", 60, 0)]


def test_only_subscribers_of_the_mutation_the_api_and_the_arguments_hear_of_it(hub: Hub) -> None:
    got: dict[str, list[bytes]] = {name: [] for name in ("match", "argument", "mutation", "api")}
    project = Counter()
    hub.attach("a", prepared(project, {"to": "x"}), got["match"].append)
    hub.attach("a", prepared(project, {"to": "y"}), got["argument"].append)
    hub.attach("a", prepared(project, mutations=("shout",)), got["mutation"].append)
    hub.attach("b", prepared(project), got["api"].append)
    hub.publish(Publication("a", "say", {"to": "x"}))
    assert {name: len(payloads) for name, payloads in got.items()} == {
        "match": 1,
        "argument": 0,
        "mutation": 0,
        "api": 0,
    }


def test_a_subscription_may_be_fed_by_several_mutations_and_ends_with_all_of_them(hub: Hub) -> None:
    got: list[bytes] = []
    detach = hub.attach("a", prepared(Counter(), mutations=("say", "shout")), got.append)
    hub.publish(Publication("a", "say", 1))
    hub.publish(Publication("a", "shout", 2))
    assert got == [b'{"data":{"onSay":1}}}', b'{"data":{"onSay":2}}}']
    detach()
    detach()
    hub.publish(Publication("a", "say", 3))
    assert len(got) == 2
    assert hub.subscriptions() == {}


def test_the_trace_says_who_comes_and_goes(hub: Hub, trace: Trace) -> None:
    detach = hub.attach("a", prepared(Counter(), mutations=("say", "shout")), list[bytes]().append)
    detach()
    detach()
    happenings = [entry.happening for entry in trace.entries()]
    assert happenings == [Subscribed("a", "onSay"), Unsubscribed("a", "onSay")]


def test_a_filter_that_surprises_is_named_in_the_log(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    misspelt = {"filterGroup": [{"filters": [{"fieldName": "id", "operator": "equals", "value": 1}]}]}
    hub.attach("a", replace(prepared(Counter()), filter=misspelt), list[bytes]().append)
    assert "API a: the filter of onSay: id: there is no operator equals" in caplog.text


def test_leaving_takes_nobody_else_along(hub: Hub) -> None:
    first, second = list[bytes](), list[bytes]()
    detach = hub.attach("a", prepared(Counter()), first.append)
    hub.attach("a", prepared(Counter()), second.append)
    detach()
    hub.publish(Publication("a", "say", 1))
    assert (len(first), len(second)) == (0, 1)
    assert hub.subscriptions() == {("a", "say"): 1}


def test_a_message_over_240_kb_is_dropped_with_a_warning(
    hub: Hub, trace: Trace, caplog: pytest.LogCaptureFixture
) -> None:
    got: list[bytes] = []
    hub.attach("a", prepared(Counter()), got.append)
    hub.publish(Publication("a", "say", "x" * (240 * 1024 - len('{"data":{"onSay":""}}'))))
    assert len(got) == 1
    with caplog.at_level(logging.WARNING):
        hub.publish(Publication("a", "say", "x" * (240 * 1024)))
    assert len(got) == 1
    assert "say is not delivered to subscribers of onSay: 245781 bytes" in caplog.text
    assert list(trace.entries())[-1].happening == Published("a", "say", 0, 1)


def test_a_projection_that_fails_is_logged_and_spoils_nothing_else(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    def broken(value: object) -> dict[str, object]:
        raise ZeroDivisionError

    got: list[bytes] = []
    hub.attach("a", PreparedSubscription("onSay", {}, ("say",), "broken", broken), got.append)
    hub.attach("a", prepared(Counter()), got.append)
    hub.publish(Publication("a", "say", 1))
    assert got == [b'{"data":{"onSay":1}}}']
    assert "say was not published to onSay" in caplog.text
    caplog.clear()


def test_a_filter_replaces_the_arguments(hub: Hub) -> None:
    got: list[bytes] = []
    wanted = {"filterGroup": [{"filters": [{"fieldName": "n", "operator": "gt", "value": 2}]}]}
    subscription = PreparedSubscription("onSay", {"to": "x"}, ("say",), "s", Counter(), wanted)
    hub.attach("a", subscription, got.append)
    hub.publish(Publication("a", "say", {"to": "x", "n": 2}))
    hub.publish(Publication("a", "say", {"to": "y", "n": 3}))
    assert got == [b'{"data":{"onSay":{"to":"y","n":3}}}}']


def revocable(least: int) -> PreparedSubscription:
    filter = {"filterGroup": [{"filters": [{"fieldName": "n", "operator": "ge", "value": least}]}]}
    return replace(prepared(Counter()), invalidation_filter=filter)


def test_a_subscription_whose_invalidation_filter_the_payload_passes_is_ended(hub: Hub, trace: Trace) -> None:
    ended: list[str] = []
    detachments: dict[str, Callable[[], None]] = {}

    def attach(name: str, api_id: str, subscription: PreparedSubscription) -> None:
        def end() -> None:
            ended.append(name)
            detachments[name]()

        detachments[name] = hub.attach(api_id, subscription, list[bytes]().append, end)

    attach("low", "a", revocable(1))
    attach("high", "a", revocable(9))
    attach("other API", "b", revocable(1))
    attach("other field", "a", replace(revocable(1), field_name="onShout"))
    attach("no filter", "a", prepared(Counter()))
    hub.invalidate(Invalidation("a", "onSay", {"n": 5}))
    assert ended == ["low"]
    assert list(trace.entries())[-1].happening == Invalidated("a", "onSay", 1)
    hub.invalidate(Invalidation("a", "onSay", {"n": 5}))
    hub.invalidate(Invalidation("a", "onSay", None))
    hub.invalidate(Invalidation("a", "unheard of", {"n": 5}))
    assert ended == ["low"]
    hub.invalidate(Invalidation("a", "onSay", {"n": 9}))
    assert ended == ["low", "high"]
    assert hub.subscriptions() == {("a", "say"): 2, ("b", "say"): 1}


def test_nothing_is_left_of_what_has_gone(hub: Hub) -> None:
    detach = hub.attach("a", revocable(1), list[bytes]().append, lambda: pytest.fail("it has left"))
    detach()
    hub.invalidate(Invalidation("a", "onSay", {"n": 5}))


def test_an_invalidation_filter_that_surprises_is_named(hub: Hub, caplog: pytest.LogCaptureFixture) -> None:
    hub.attach("a", replace(prepared(Counter()), invalidation_filter={}), list[bytes]().append)
    assert "API a: the invalidation filter of onSay: it has no filterGroup" in caplog.text
