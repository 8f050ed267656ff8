"""Shared fixtures, and the rule that every test says which tier it belongs to."""

import gc
import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds

# Whether the packages of real models are installed must not change what a test sees; those of the models ask for them.
os.environ["CALLPARK_LOCAL_MODELS"] = "off"

# Suites that several modules import: their asserts tell as much as those of a test module.
pytest.register_assert_rewrite("tests.store.conformance", "tests.models.backends.conformance")

# No test depends on speed: the machine may have other work.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

TIERS = {"unit", "sim", "process", "compat"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not TIERS & {mark.name for mark in item.iter_markers()}:
            raise pytest.UsageError(f"{item.nodeid} has no tier: add pytestmark = pytest.mark.unit|sim|process|compat")


def pytest_collection_finish() -> None:
    """Ten thousand tests and what they import stay: the collector need not look at them after each (an eighth of the
    time)."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    """Real sockets and processes on the loop that the commands run on; virtual time on asyncio's own, which tells the
    clock exactly when nothing more can happen."""
    real = TIERS & {"process", "compat"} & {mark.name for mark in request.node.iter_markers()}
    return "asyncio", {"use_uvloop": bool(real)}


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def ids() -> SeededIds:
    return SeededIds(1)


@pytest.fixture(autouse=True)
def no_bugs_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A bug of ours is logged as an error under `callpark`; a test that provokes one on purpose clears caplog."""
    yield
    bugs = [r for r in caplog.get_records("call") if r.name.startswith("callpark") and r.levelno >= logging.ERROR]
    assert not bugs, f"logged as bugs: {[bug.getMessage() for bug in bugs]}"
