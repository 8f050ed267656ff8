"""Handlers within exported objects, as AppSync Events has them: `onPublish.request`."""

from typing import cast

import pytest

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits

pytestmark = pytest.mark.unit

CODE = """
const request = (ctx) => ({ payload: ctx.events.length });
export const onPublish = { request, response(ctx) { return ctx.missing.x } };
export function onSubscribe(ctx) { ctx.stash.seen = true; return 'in' }
export const version = 1, settings = { deep: { f: (ctx) => 1 } };
"""


@pytest.fixture
def host(clock: VirtualClock, ids: SeededIds) -> JavaScriptHost:
    return JavaScriptHost(clock, ids, AppSyncLimits())


def test_what_can_be_called_is_known(host: JavaScriptHost) -> None:
    unit = host.load(CODE)
    assert unit.handlers == {"onPublish.request", "onPublish.response", "onSubscribe"}
    assert unit.exports == {"onPublish", "onSubscribe", "version", "settings"}
    assert host.load("export const a = null, b = [], c = 'text';").handlers == frozenset()


def test_they_are_called_with_the_context(host: JavaScriptHost) -> None:
    unit = host.load(CODE)
    nested = cast(Evaluation, unit.evaluate("onPublish.request", {"events": [1, 2]}, ""))
    assert (nested.value, nested.halt) == ({"payload": 2}, None)
    plain = cast(Evaluation, unit.evaluate("onSubscribe", {}, ""))
    assert (plain.value, plain.stash) == ("in", {"seen": True})


def test_their_errors_name_the_line(host: JavaScriptHost) -> None:
    failed = cast(Evaluation, host.load(CODE).evaluate("onPublish.response", {}, ""))
    assert failed.halt is not None
    assert str(failed.halt["message"]).startswith("code.js:3:")
