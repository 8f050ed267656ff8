"""The page that Prometheus reads, as the gateway mounts it."""

import httpx
import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import MetricsLimits
from callpark.metrics.api.page import MetricsPage
from callpark.metrics.service import Metrics

pytestmark = pytest.mark.unit


async def events_due() -> int:
    return 17


async def test_the_backlog_opens_the_page(clock: VirtualClock) -> None:
    metrics = Metrics(clock, MetricsLimits())
    metrics.add("Invocations", "f", clock.now(), 1)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(MetricsPage(events_due, metrics))) as client:
        answer = await client.get("http://callpark/_callpark/metrics")
    lines = answer.text.splitlines()
    assert lines[1:3] == ["# TYPE callpark_events_waiting gauge", "callpark_events_waiting 17"]
    assert 'aws_lambda_Invocations_total{FunctionName="f"} 1' in lines
    assert answer.headers["content-type"].startswith("text/plain")


async def test_it_is_only_read(clock: VirtualClock) -> None:
    page = MetricsPage(events_due, Metrics(clock, MetricsLimits()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(page)) as client:
        assert (await client.post("http://callpark/_callpark/metrics")).status_code == 405
