"""LoggingConfig acted on: which platform events and which of the code's own lines are kept, and where they go."""

import json

import pytest

from callpark.functions.environments.happenings import FunctionLog
from callpark.functions.environments.log_levels import passes, rank, system_rank
from tests.functions.environments.conftest import Bench, needs_node

pytestmark = pytest.mark.process

HANDLER = """
import logging
def handler(event, context):
    log = logging.getLogger()
    for level in ("debug", "info", "warning", "error"):
        getattr(log, level)(level)
    print("plain")
    print('{"level": "debug", "message": "printed"}')
    if event:
        raise ValueError("boom")
    return [context.log_group_name, context.log_stream_name]
"""


def told(bench: Bench) -> list[str]:
    """Types of platform events, and the messages of all others."""
    found = []
    for line in bench.log().splitlines():
        record = json.loads(line) if line.startswith("{") else {"message": line}
        found.append(record.get("type") or record.get("message") or record["errorMessage"])
    return found


@pytest.mark.parametrize(
    ("application", "system", "expected"),
    [
        (
            "INFO",
            "INFO",
            ["platform.initStart", "platform.start", "info", "warning", "error", "plain", "platform.report"],
        ),
        ("ERROR", "WARN", ["error", "plain"]),
        (
            "DEBUG",
            "DEBUG",
            [
                *("platform.initStart", "platform.initRuntimeDone", "platform.initReport", "platform.start"),
                *("debug", "info", "warning", "error", "plain", "printed", "platform.runtimeDone", "platform.report"),
            ],
        ),
    ],
)
async def test_levels_of_a_run_that_succeeds(bench: Bench, application: str, system: str, expected: list[str]) -> None:
    function = bench.deploy(HANDLER, log_format="JSON", application_log_level=application, system_log_level=system)
    assert (await bench.run(bench.fleet(), function)).function_error is None
    assert sorted(told(bench)) == sorted(expected)


async def test_what_fails_is_a_warning(bench: Bench) -> None:
    function = bench.deploy(HANDLER, log_format="JSON", application_log_level="FATAL", system_log_level="WARN")
    assert (await bench.run(bench.fleet(), function, b"1")).function_error == "Unhandled"
    assert told(bench)[-2:] == ["platform.runtimeDone", "platform.report"]


async def test_a_log_group_of_ones_own(bench: Bench) -> None:
    """The stream names the function, because others may write to the same group."""
    function = bench.deploy(HANDLER, log_group="/shared")
    group, stream = json.loads((await bench.run(bench.fleet(), function)).payload)
    assert group == "/shared"
    assert stream[10:].startswith("/F[$LATEST][")
    logs = [entry.happening for entry in bench.happenings(FunctionLog)]
    assert {(log.group, log.stream) for log in logs if isinstance(log, FunctionLog)} == {("/shared", stream)}


@needs_node
async def test_levels_of_nodes_console(bench: Bench) -> None:
    function = bench.deploy(
        """
        exports.handler = async () => {
          for (const method of ["debug", "log", "warn", "error"]) console[method](method);
        };
        """,
        file="m.js",
        runtime="nodejs20.x",
        log_format="JSON",
        application_log_level="WARN",
        system_log_level="WARN",
    )
    await bench.run(bench.fleet(), function)
    assert told(bench) == ["warn", "error"]


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ("text", True),
        ('{"level": "ERROR"}', True),
        ('{"level": "warn", "message": "x"}', True),
        ('{"level": "WARNING"}', True),
        ('{"level": "Info"}', False),
        ('{"level": 7}', False),
        ('{"level": "loud"}', False),
        ('{"message": "no level"}', True),
        ('{"level": broken', True),
    ],
)
def test_events_of_level_warn_and_graver(event: str, kept: bool) -> None:
    assert passes(event, rank("WARN")) is kept


@pytest.mark.parametrize(
    ("kind", "status", "initialization", "level"),
    [
        ("platform.initStart", "success", "on-demand", "INFO"),
        ("platform.initRuntimeDone", "success", "on-demand", "DEBUG"),
        ("platform.initRuntimeDone", "error", "on-demand", "WARN"),
        ("platform.initReport", "success", "on-demand", "DEBUG"),
        ("platform.initReport", "success", "provisioned-concurrency", "INFO"),
        ("platform.initReport", "timeout", "on-demand", "WARN"),
        ("platform.start", "success", "on-demand", "INFO"),
        ("platform.runtimeDone", "success", "on-demand", "DEBUG"),
        ("platform.runtimeDone", "timeout", "on-demand", "WARN"),
        ("platform.report", "success", "on-demand", "INFO"),
        ("platform.report", "error", "on-demand", "WARN"),
        ("platform.extension", "error", "on-demand", "WARN"),
    ],
)
def test_levels_of_platform_events(kind: str, status: str, initialization: str, level: str) -> None:
    assert system_rank(kind, status, initialization) == rank(level)
