"""A host of mapping templates for each test."""

from collections.abc import Iterator

import pytest

from callpark.graphql.runtimes.vtl.host import VtlHost
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits


@pytest.fixture
def host(clock: VirtualClock, ids: SeededIds) -> Iterator[VtlHost]:
    made = VtlHost(clock, ids, AppSyncLimits(resolver_milliseconds=150))
    yield made
    made.close()
