"""One JavaScript host for the tests of a module."""

from collections.abc import Iterator

import pytest

from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits


@pytest.fixture(scope="module")
def host() -> Iterator[JavaScriptHost]:
    """One for all tests of a module, as one serves all resolvers of a server: its clock stands still."""
    made = JavaScriptHost(VirtualClock(), SeededIds(1), AppSyncLimits(resolver_milliseconds=300))
    yield made
    made.close()
