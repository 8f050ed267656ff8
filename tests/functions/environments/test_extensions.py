"""Extensions and telemetry: real extension processes beside real handlers, and the refusals on the wire."""

import asyncio
import json
import stat
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from callpark.functions.environments.extensions.api import ExtensionApi, FunctionFacts
from callpark.functions.environments.extensions.registry import Extension, Extensions
from callpark.functions.environments.extensions.states import (
    EXTENSION_TRANSITIONS,
    ExtensionPhase,
    extension_move,
)
from callpark.functions.environments.extensions.telemetry import Subscription, Telemetry, subscription
from callpark.functions.environments.failures import platform_error_type
from callpark.functions.environments.lifecycle import Refusal
from callpark.functions.environments.ports import Deployment, Outcome
from callpark.kernel.ids import SystemIds
from callpark.kernel.tasks import Tasks
from tests.functions.environments.conftest import Bench

pytestmark = pytest.mark.process

EXTENSION = """\
    #!{python}
    import http.client, http.server, json, os, sys, threading, time
    notes = {notes!r}
    def note(text):
        with open(notes, "a") as file:
            file.write(text + "\\n")
    def call(method, path, body=None, **headers):
        connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer, json.loads(answer.read() or b"null")
    base = "/2020-01-01/extension"
    name = {{"Lambda-Extension-Name": os.path.basename(sys.argv[0])}}
    answer, facts = call("POST", base + "/register", {{"events": {events}}}, **name,
                         **{{"Lambda-Extension-Accept-Feature": "accountId"}})
    identifier = {{"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}}
    note("registered " + json.dumps(facts))
    {prepare}
    while True:
        answer, event = call("GET", base + "/event/next", None, **identifier)
        note(event["eventType"] + " " + event.get("shutdownReason", event.get("requestId", "")))
        {work}
        if event["eventType"] == "SHUTDOWN":
            break
"""


def extended(
    bench: Bench,
    source: str,
    *,
    events: str = '["INVOKE", "SHUTDOWN"]',
    prepare: str = "pass",
    work: str = "pass",
    timeout_seconds: int = 10,
) -> tuple[Deployment, Path]:
    """A function with one external extension, and where that takes its notes."""
    function = bench.deploy(source, timeout_seconds=timeout_seconds)
    notes = bench.directory / "notes"
    folder = function.code_root / "extensions"
    folder.mkdir()
    text = textwrap.dedent(EXTENSION).format(
        python=sys.executable,
        notes=str(notes),
        events=events,
        prepare=prepare.replace("\n", "\n" + ""),
        work=work,
    )
    program = folder / "watcher"
    program.write_text(text)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return function, notes


def error(outcome: Outcome) -> dict[str, str]:
    value: dict[str, str] = json.loads(outcome.payload)
    return value


async def test_an_extension_hears_of_invocations_and_the_end(bench: Bench) -> None:
    function, notes = extended(bench, "def handler(e, c):\n    return c.aws_request_id")
    fleet = bench.fleet("environments=1")
    first = await bench.run(fleet, function)
    second = await bench.run(fleet, function, patient=True)
    await fleet.close()
    lines = notes.read_text().splitlines()
    assert lines[0].startswith("registered ")
    assert json.loads(lines[0].removeprefix("registered ")) == {
        "functionName": "F",
        "functionVersion": "$LATEST",
        "handler": "m.handler",
        "accountId": "123456789012",
    }
    assert lines[1:] == [f"INVOKE {json.loads(o.payload)}" for o in (first, second)] + ["SHUTDOWN spindown"]
    assert "EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n" in bench.log()


async def test_the_caller_does_not_wait_for_extensions_but_the_next_run_does(bench: Bench) -> None:
    function, notes = extended(bench, "def handler(e, c):\n    return 'done'", work='time.sleep(0.4); note("finished")')
    fleet = bench.fleet("environments=1")
    loop = asyncio.get_running_loop()
    await bench.run(fleet, function)
    assert "finished" not in notes.read_text()
    assert "REPORT" not in bench.log()
    began = loop.time()
    other = bench.run(fleet, function, patient=True)
    await other
    assert loop.time() - began > 0.2
    assert notes.read_text().count("finished") == 1
    assert bench.log().count("REPORT") == 1


async def test_an_extension_that_dies_takes_the_environment_with_it(bench: Bench) -> None:
    function, _ = extended(bench, "def handler(e, c):\n    import time; time.sleep(5)", work="sys.exit(3)")
    fleet = bench.fleet()
    outcome = await fleet.run(function, bench.attempt(function, b"{}", "id"))
    assert error(outcome) == {
        "errorType": "Extension.Crash",
        "errorMessage": "RequestId: id Error: extension watcher: exit status 3",
    }


async def test_an_extension_that_reports_its_own_failure(bench: Bench) -> None:
    report = (
        'call("POST", base + "/init/error", {}, **identifier, '
        '**{"Lambda-Extension-Function-Error-Type": "Extension.NoConfig"}); time.sleep(5)'
    )
    function, _ = extended(bench, "def handler(e, c):\n    pass", prepare=report)
    outcome = await bench.fleet().run(function, bench.attempt(function, b"{}", "id"))
    assert error(outcome)["errorType"] == "Extension.InitError"
    assert "Error Type: Extension.NoConfig" in bench.log()


async def test_an_extension_that_never_registers_uses_up_the_init_phase(bench: Bench) -> None:
    function = bench.deploy("def handler(e, c):\n    pass", timeout_seconds=1)
    folder = function.code_root / "extensions"
    folder.mkdir()
    (folder / "idle").write_text("#!/bin/sh\nsleep 30\n")
    (folder / "idle").chmod(0o755)
    (folder / "README").write_text("not a program")
    outcome = await bench.fleet("init_seconds=0.3").run(function, bench.attempt(function))
    assert error(outcome)["errorType"] == "Sandbox.Timedout"


async def test_sigterm_and_shutdown_after_a_timeout(bench: Bench) -> None:
    function, notes = extended(
        bench,
        """
        import os, signal, sys, time
        def leave(number, frame):
            with open(os.environ["TMPDIR"] + "/../../../../left", "w") as file:
                file.write("SIGTERM")
            sys.exit(0)
        signal.signal(signal.SIGTERM, leave)
        def handler(e, c):
            time.sleep(e)
        """,
        timeout_seconds=1,
    )
    fleet = bench.fleet("external_shutdown_seconds=1")
    outcome = await bench.run(fleet, function, b"30")
    assert error(outcome)["errorType"] == "Sandbox.Timedout"
    assert (await bench.run(fleet, function, b"0")).function_error is None
    await fleet.close()
    lines = notes.read_text().splitlines()
    assert [line for line in lines if line.startswith("SHUTDOWN")] == ["SHUTDOWN timeout", "SHUTDOWN spindown"]


async def test_telemetry_is_delivered_in_batches(bench: Bench) -> None:
    prepare = """\
class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for event in json.loads(body):
            note("event " + json.dumps(event))
        self.send_response(200)
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Taker)
threading.Thread(target=server.serve_forever, daemon=True).start()
answer, said = call("PUT", "/2022-07-01/telemetry", {
    "schemaVersion": "2025-01-29", "types": ["platform", "function"],
    "destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:%d/x" % server.server_port},
    "buffering": {"timeoutMs": 25, "maxItems": 1000, "maxBytes": 262144},
}, **identifier)
note("subscribed %d" % answer.status)
"""
    function, notes = extended(bench, "def handler(e, c):\n    print('said')", prepare=prepare)
    fleet = bench.fleet("environments=1")
    outcome = await fleet.run(function, bench.attempt(function, b"{}", "the-id"))
    assert outcome.function_error is None
    await fleet.run(function, bench.attempt(function, b"{}", "the-id"), patient=True)
    await fleet.close()
    lines = notes.read_text().splitlines()
    assert "subscribed 200" in lines
    events = [json.loads(line.removeprefix("event ")) for line in lines if line.startswith("event ")]
    kinds = [event["type"] for event in events]
    for kind in (
        "platform.initStart",
        "platform.telemetrySubscription",
        "platform.extension",
        "platform.initRuntimeDone",
        "platform.initReport",
        "platform.start",
        "function",
        "platform.runtimeDone",
        "platform.report",
    ):
        assert kind in kinds, kinds
    assert "platform.end" not in kinds
    by_kind = {event["type"]: event["record"] for event in events}
    assert by_kind["function"] == "said\n"
    assert by_kind["platform.start"] == {"requestId": "the-id", "version": "$LATEST"}
    assert by_kind["platform.runtimeDone"]["status"] == "success"
    assert set(by_kind["platform.initStart"]) >= {"initializationType", "phase", "functionName", "instanceMaxMemory"}
    assert all(event["time"].endswith("Z") for event in events)


def state_of(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def test_idle_processes_are_frozen_and_thawed(bench: Bench) -> None:
    function = bench.deploy(
        """
        import threading, time
        ticks = [0]
        def tick():
            while True:
                time.sleep(0.005); ticks[0] += 1
        threading.Thread(target=tick, daemon=True).start()
        def handler(e, c):
            import os
            return [os.getpid(), ticks[0]]
        """
    )
    fleet = bench.fleet("freeze_seconds=0")
    pid, before = json.loads((await bench.run(fleet, function)).payload)

    while state_of(pid) != "T":  # noqa: ASYNC110  # a process is stopped without a word; the test's timeout is the bound
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)  # in which it would tick sixty times
    again, after = json.loads((await bench.run(fleet, function)).payload)
    assert again == pid
    assert after - before < 40


async def test_a_busy_function_is_not_frozen(bench: Bench) -> None:
    function = bench.deploy("def handler(e, c):\n    import os; return os.getpid()")
    fleet = bench.fleet("freeze_seconds=1000")
    pid = int((await bench.run(fleet, function)).payload)
    await asyncio.sleep(0.1)
    assert state_of(pid) != "T"


# The registry and its refusals.


class Heard:
    def __init__(self) -> None:
        self.registered: list[str] = []
        self.ready: list[str] = []
        self.failed: list[tuple[str, str]] = []
        self.sent: list[tuple[str, Any]] = []
        self.abandoned = 0

    def extension_registered(self, extension: Extension) -> None:
        self.registered.append(extension.name)

    def extension_ready(self, extension: Extension) -> None:
        self.ready.append(extension.name)

    def extension_failed(self, extension: Extension, error_type: str) -> None:
        self.failed.append((extension.name, error_type))

    def send_extension_event(self, identifier: str, body: bytes) -> None:
        self.sent.append((identifier, body))

    def abandon(self) -> None:
        self.abandoned += 1


@pytest.fixture
def heard() -> Heard:
    return Heard()


def registry(heard: Heard, *external: str) -> Extensions:
    return Extensions(external, SystemIds().uuid, heard)


def registered(extensions: Extensions, name: str, *events: str) -> Extension:
    extension = extensions.register(name, events)
    assert isinstance(extension, Extension)
    return extension


def refused(answer: object) -> tuple[int, str]:
    assert isinstance(answer, Refusal)
    return answer.status, answer.error_type


def test_recorded_refusals_of_registration(heard: Heard) -> None:
    extensions = registry(heard, "outer")
    assert refused(extensions.register("", ["INVOKE"])) == (403, "Extension.InvalidExtensionName")
    assert refused(extensions.register("inner", ["SHUTDOWN"])) == (403, "Extension.InvalidEventType")
    assert refused(extensions.register("outer", ["SLEEP"])) == (403, "Extension.InvalidEventType")
    outer = registered(extensions, "outer", "SHUTDOWN")
    assert refused(extensions.register("outer", [])) == (403, "Extension.InvalidExtensionState")
    for number in range(9):
        registered(extensions, f"inner{number}")
    assert refused(extensions.register("eleventh", [])) == (403, "Extension.TooManyExtensions")
    extensions.close_registration()
    assert refused(extensions.register("late", [])) == (403, "Extension.RegistrationClosed")
    assert refused(extensions.identified(None)) == (403, "Extension.MissingExtensionIdentifier")
    assert refused(extensions.identified("x")) == (403, "Extension.InvalidExtensionIdentifier")
    assert refused(extensions.identified(SystemIds().uuid())) == (403, "Extension.UnknownExtensionIdentifier")
    assert refused(extensions.fail(outer, None, ExtensionPhase.INIT_ERROR)) == (403, "Extension.MissingHeader")
    assert extensions.fail(outer, "Extension.Mine", ExtensionPhase.INIT_ERROR) is None
    assert heard.failed == [("outer", "Extension.Mine")]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"events": "INVOKE"}', b'{"events": [1]}'])
def test_recorded_a_registration_that_cannot_be_read(heard: Heard, body: bytes) -> None:
    facts = FunctionFacts("F", "$LATEST", "m.handler", "123456789012")
    api = ExtensionApi(registry(heard), Telemetry(lambda: "now", Tasks("test")), facts)
    answer = api.handle(heard, "POST", "/2020-01-01/extension/register", {b"lambda-extension-name": b"x"}, body)
    assert refused(answer) == (403, "InvalidRequestFormat")


def test_events_reach_those_who_asked_for_them(heard: Heard) -> None:
    extensions = registry(heard, "outer")
    assert not extensions.all_registered
    outer = registered(extensions, "outer", "INVOKE", "SHUTDOWN")
    inner = registered(extensions, "inner")
    assert extensions.all_registered
    assert not extensions.settled
    for extension in (outer, inner):
        assert extensions.next_event(extension, heard) is None
    assert extensions.settled
    assert extensions.tell("INVOKE", b"1") == (outer,)
    assert heard.sent == [(outer.identifier, b"1")]
    assert not extensions.settled
    extensions.tell("SHUTDOWN", b"2")
    assert len(heard.sent) == 1
    extensions.next_event(outer, heard)
    assert heard.sent[1:] == [(outer.identifier, b"2")]


@pytest.mark.parametrize("phase", ExtensionPhase)
@pytest.mark.parametrize("wanted", ExtensionPhase)
def test_what_the_table_does_not_list_is_refused(phase: ExtensionPhase, wanted: ExtensionPhase) -> None:
    moved = extension_move("x", phase, wanted)
    assert isinstance(moved, Refusal) is ((phase, wanted) not in EXTENSION_TRANSITIONS)


GOOD = {"types": ["platform"], "destination": {"protocol": "TCP", "port": 99}}


@pytest.mark.parametrize(
    "change",
    [
        {"types": []},
        {"types": ["other"]},
        {"destination": None},
        {"destination": {"protocol": "UDP"}},
        {"destination": {"protocol": "TCP", "port": 0}},
        {"destination": {"protocol": "HTTP", "URI": "http://example.com/"}},
        {"destination": {"protocol": "HTTP", "URI": "https://sandbox/"}},
        {"destination": {"protocol": "HTTP", "URI": "http://sandbox:x/"}},
        {"buffering": {"maxItems": 999}},
        {"buffering": {"maxBytes": 262_143}},
        {"buffering": {"timeoutMs": 30_001}},
        {"buffering": 5},
    ],
)
def test_subscriptions_that_cannot_be(change: dict[str, object]) -> None:
    assert isinstance(subscription("Telemetry", json.dumps(GOOD).encode()), Subscription)
    assert refused(subscription("Telemetry", json.dumps({**GOOD, **change}).encode())) == (400, "ValidationError")
    assert refused(subscription("Logs", b"{")) == (400, "ValidationError")


async def received(
    port_of: "asyncio.Future[int]", answer: bytes, batches: "asyncio.Queue[list[bytes]]"
) -> asyncio.Server:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        batches.put_nowait((await reader.read(100_000)).splitlines())
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port_of.set_result(server.sockets[0].getsockname()[1])
    return server


def subscribed(port: int, protocol: str) -> Subscription:
    destination = {"protocol": "TCP", "port": port}
    if protocol == "HTTP":
        destination = {"protocol": "HTTP", "URI": f"http://sandbox:{port}/logs?a=b"}
    found = subscription("Telemetry", json.dumps({"types": ["platform"], "destination": destination}).encode())
    assert isinstance(found, Subscription)
    return found


@pytest.mark.parametrize("protocol", ["TCP", "HTTP"])
async def test_events_before_the_subscription_are_delivered_too(protocol: str) -> None:
    batches: asyncio.Queue[list[bytes]] = asyncio.Queue()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = await received(port, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", batches)
    tasks = Tasks("test")
    telemetry = Telemetry(lambda: "now", tasks)
    telemetry.publish("platform", "platform.initStart", {})
    telemetry.publish("function", "function", "not asked for")
    telemetry.subscribe("watcher", subscribed(port.result(), protocol))
    await telemetry.delivered(5)
    lines = await batches.get()
    server.close()
    await server.wait_closed()
    if protocol == "HTTP":
        assert lines[0] == b"POST /logs?a=b HTTP/1.1"
        events = json.loads(lines[-1])
    else:
        events = [json.loads(line) for line in lines]
    assert [event["type"] for event in events] == ["platform.initStart", "platform.telemetrySubscription"]


async def test_what_nobody_takes_is_dropped_and_counted() -> None:
    batches: asyncio.Queue[list[bytes]] = asyncio.Queue()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    server = await received(port, b"HTTP/1.1 500 No\r\n\r\n", batches)
    telemetry = Telemetry(lambda: "now", Tasks("test"))
    telemetry.subscribe("watcher", subscribed(port.result(), "HTTP"))
    await telemetry.delivered(5)
    await batches.get()
    await telemetry.delivered(5)
    lines = await batches.get()
    server.close()
    await server.wait_closed()
    (dropped,) = json.loads(lines[-1])
    assert dropped["type"] == "platform.logsDropped"
    assert dropped["record"]["droppedRecords"] == 1


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Runtime.ExitError", "Runtime.ExitError"),
        ("Function.ResponseSizeTooLarge", "Function.ResponseSizeTooLarge"),
        ("Function.my_own", "Function.Unknown"),
        ("ValueError", "Runtime.Unknown"),
    ],
)
def test_recorded_error_types_of_the_platform(given: str, shown: str) -> None:
    assert platform_error_type(given) == shown
