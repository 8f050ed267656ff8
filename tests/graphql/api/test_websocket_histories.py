"""Any history of one websocket, from both sides, in virtual time: what a client hears always makes sense."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.graphql.api.web import GraphqlWeb
from callpark.graphql.happenings import Invalidated
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace
from tests.graphql.api.toy import KEY, ToyService
from tests.graphql.api.wire import Wire, start
from tests.graphql.auth.people import authenticator

pytestmark = pytest.mark.sim


ids = st.sampled_from(["1", "2", "3"])
says = st.one_of(
    st.just('{"type":"connection_init"}'),
    st.builds(start, ids, st.sampled_from(["a", "b", "revocable", "refuse", "hang"])),
    ids.map(lambda id: json.dumps({"type": "stop", "id": id})),
    st.sampled_from(["", "{}", "junk", '{"type":"start"}', '{"type": "start", "id": "1"}']),
)
#: Something the client says, a publication (int), seconds that pass (float), or what the API does (a method's name).
steps = st.lists(
    says
    | st.integers(0, 9)
    | st.sampled_from([0.0, 0.0, 1.0, 30.0, 60.0])
    | st.sampled_from([ToyService.invalidate, ToyService.invalidate, ToyService.remove]),
    max_size=30,
)
Step: TypeAlias = str | int | float | Callable[[ToyService], None]


@settings(max_examples=60, deadline=None)
@given(steps, st.booleans())
def test_any_history_makes_sense(history: list[Step], acknowledged: bool) -> None:
    asyncio.run(live(['{"type":"connection_init"}', *history] if acknowledged else history))


async def live(history: list[Step]) -> None:
    clock, service, wire = VirtualClock(), ToyService(), Wire()
    trace = Trace(clock)
    limits = Limits().override(["appsync.subscriptions_per_connection=2"])
    web = GraphqlWeb(service, authenticator(clock), clock, SeededIds(1), trace, limits)
    served = asyncio.create_task(web(wire.scope(KEY), wire.receive, wire.send))
    await clock.settle()  # let in
    said: list[dict[str, Any]] = []
    for step in history:
        match step:
            case str(text):
                wire.say(text)
                if '"type": "start"' in text and acknowledged_by(wire):
                    said.append(json.loads(text))
            case float(seconds):
                await clock.advance(seconds)
            case int(value):
                service.publish(value)
            case does:
                does(service)
                if does is ToyService.invalidate:  # whoever could be sent away has been
                    service.invalidate()
                    assert list(trace.entries())[-1].happening == Invalidated("story", "onSay", 0)
        await clock.settle()
    # What hangs is given up after the request limit, so by then each start has its answer.
    await clock.advance(30)
    if not wire.closed:
        for id in {each["id"] for each in said}:
            answers = [
                frame for frame in wire.heard if frame.get("id") == id and frame["type"] in ("start_ack", "error")
            ]
            assert len(answers) == sum(each["id"] == id for each in said)
    check(wire.heard)
    wire.to_server.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await served
    assert web.hub.subscriptions() == {}
    assert len(web) == 0


def acknowledged_by(wire: Wire) -> bool:
    return not wire.closed and any(frame["type"] == "connection_ack" for frame in wire.heard)


def check(heard: list[dict[str, Any]]) -> None:
    """`connection_ack` first and once; data only between start_ack and complete of its id."""
    types = [frame["type"] for frame in heard]
    assert types[:1] in ([], ["connection_ack"])
    assert types.count("connection_ack") <= 1
    live: set[str] = set()
    for frame in heard:
        match frame["type"]:
            case "start_ack":
                assert frame["id"] not in live
                live.add(frame["id"])
            case "data":
                assert frame["id"] in live
            case "complete":
                live.discard(frame["id"])
