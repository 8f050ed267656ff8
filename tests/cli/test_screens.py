"""What people see: grouped warnings, the live log, timelines in narrow terminals."""

import io

import pytest
from rich.console import Console

from callpark.cli import logs, screen
from callpark.cli.status import export_lines, show_resources
from callpark.cli.timeline_view import draw
from callpark.flows.timeline import FunctionRow, InputRow, PromptRow, Timeline
from callpark.functions.environments.happenings import AttemptEnded, FunctionLog
from callpark.graphql.happenings import OperationExecuted, ResolverLogged
from callpark.health import ApiHealth, Health
from callpark.kernel.trace import Entry, Happening

pytestmark = pytest.mark.unit

CALL = Timeline(
    flow="f",
    start=100.0,
    end=130.0,
    reason="CONTACT_FLOW_DISCONNECT",
    detail="",
    prompts=(
        PromptRow(100.0, 104.0, "Thank you for calling. " * 4, 16, False),
        PromptRow(120.0, 130.0, "Bye", 1, True),
    ),
    functions=(
        FunctionRow("1", "CardCheck", True, 104.0, 120.0, "succeeded"),
        FunctionRow("2", "Score", False, 104.0, 112.0, "timed_out"),
        FunctionRow("3", "Crm", True, 104.0),
    ),
    keys=(),
    inputs=(InputRow(104.0, 110.0, "42", "entered"),),
    waits=(),
)


def drawn(width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(draw(CALL, "title", width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_a_timeline_fits(width: int) -> None:
    lines = drawn(width)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert "CardCheck, 16.0 s, in parallel" in text
    assert "Score, 8.0 s, the caller waits: timed out" in " ".join(text.split())
    assert "Crm, in parallel: runs on" in text
    assert "silence, 10.0 s" in text


def test_bars_stand_on_one_axis() -> None:
    rows = drawn(100)
    bars = {name: next(row for row in rows if name in row) for name in ("CardCheck", "Score")}
    assert bars["CardCheck"].index("█") == bars["Score"].index("█")
    assert abs(bars["CardCheck"].count("█") - 2 * bars["Score"].count("█")) <= 1


def test_the_same_warning_about_several_functions_is_one() -> None:
    warnings = ["function A: x", "flow f: z", "function B: x", "function C: y", "template.yaml: whole", "flow f: w"]
    assert screen.grouped(warnings) == [
        "functions A, B: x",
        "flow f: z",
        "function C: y",
        "template.yaml: whole",
        "flow f: w",
    ]


def test_the_same_warning_about_many_resolvers_is_one_line() -> None:
    said = [f"API Shop: resolver Query.f{each}: 3:5: x is not declared" for each in range(20)]
    (line,) = screen.grouped([*said, *said])
    assert line.startswith("API Shop: resolvers Query.f0, Query.f1, Query.f2")
    assert line.endswith("Query.f7 and 12 more: 3:5: x is not declared")
    assert screen.grouped([*said[:2], "API Shop: resolver Query.g: 4:1: x is not declared"]) == [
        "API Shop: resolvers Query.f0 (3:5), Query.f1 (3:5), Query.g (4:1): x is not declared"
    ]
    assert screen.grouped([said[0], "API Other: resolver Query.f0: 3:5: x is not declared"]) == [
        "API Shop: resolver Query.f0: 3:5: x is not declared",
        "API Other: resolver Query.f0: 3:5: x is not declared",
    ]
    templates = [f"API Shop: resolver Query.{each}: request mapping template: callpark lacks $x" for each in "ab"]
    assert screen.grouped(templates) == [
        "API Shop: resolvers Query.a, Query.b: request mapping template: callpark lacks $x"
    ]


def log(text: str, request_id: str = "aaaaaaaa-1") -> FunctionLog:
    return FunctionLog("Fn", request_id, "stream", text)


def shown(capsys: pytest.CaptureFixture[str], *happenings: Happening) -> list[str]:
    live = logs.LiveLog()
    for happening in happenings:
        live.show(Entry(1, 0.0, happening))
    return capsys.readouterr().err.splitlines()


def test_the_live_log_leaves_the_platforms_lines_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(
        capsys,
        log("INIT_START Runtime Version: python:3.11.callpark\tRuntime Version ARN: \n"),
        log("START RequestId: aaaaaaaa-1 Version: $LATEST\n"),
        log("REPORT RequestId: of my own making\n"),
        log("[ERROR] ValueError: x\nTraceback\n"),
        log("END RequestId: aaaaaaaa-1\n"),
        log('{"time":"2026-01-01T00:00:00Z","type":"platform.start","record":{}}\n'),
        log('{"time":"2026-01-01T00:00:00Z","type":"mine"}\n'),
        AttemptEnded("Fn", "aaaaaaaa-1", "stream", "success", None, 0.012, 0.1, 20),
        AttemptEnded("Fn", "aaaaaaaa-2", "stream", "error", "ValueError", 0.012, None, 20),
        AttemptEnded("Fn", "aaaaaaaa-3", "stream", "timeout", None, 3.0, None, 20),
    ) == [
        "00:00:00.000 Fn REPORT RequestId: of my own making  aaaaaaaa",
        "00:00:00.000 Fn [ERROR] ValueError: x  aaaaaaaa",
        "    Traceback",
        '00:00:00.000 Fn {"time":"2026-01-01T00:00:00Z","type":"mine"}  aaaaaaaa',
        "00:00:00.000 Fn returned in 12 ms, init 100 ms, 20 MB  aaaaaaaa",
        "00:00:00.000 Fn failed: ValueError in 12 ms, 20 MB  aaaaaaaa",
        "00:00:00.000 Fn timed out in 3000 ms, 20 MB  aaaaaaaa",
    ]


def test_the_live_log_shows_what_resolvers_log_and_requests_that_fail(capsys: pytest.CaptureFixture[str]) -> None:
    lines = tuple(f"INFO - code.js:2:3: [{number}]" for number in range(logs.SHOWN_LINES + 2))
    first, *_, last = shown(capsys, ResolverLogged("aaaaaaaa-1", "api", "Query", "note", lines))
    assert first == "00:00:00.000 Query.note INFO - code.js:2:3: [0]  aaaaaaaa"
    assert last == "00:00:00.000 Query.note 2 more lines are not shown  aaaaaaaa"
    assert shown(
        capsys,
        OperationExecuted("aaaaaaaa-1", "api", "query", None, 0.001, 0),
        OperationExecuted("aaaaaaaa-2", "api", "query", None, 0.001, 1),
        OperationExecuted("aaaaaaaa-3", "api", "mutation", "Add", 0.001, 2),
    ) == ["00:00:00.000 query has 1 error  aaaaaaaa", "00:00:00.000 mutation Add has 2 errors  aaaaaaaa"]


def test_a_flood_is_cut_and_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    flood = [log(f"line {number}\n") for number in range(logs.SHOWN_LINES + 1_234)]
    end = AttemptEnded("Fn", "aaaaaaaa-1", "stream", "success", None, 0.012, None, 20)
    lines = shown(capsys, *flood, end)
    assert len(lines) == logs.SHOWN_LINES + 2
    assert lines[-2] == "00:00:00.000 1,234 more lines of Fn are not shown"


def test_export_lines_are_quoted_for_a_shell() -> None:
    api = ApiHealth(name="a", id="i", graphql_url="http://h/a b", realtime_url="ws://h", api_key="da2-'x")
    lines = export_lines("http://h", Health("ready", "eu-west-1", "1", [], [api], [], []))
    assert "export GRAPHQL_URL='http://h/a b'" in lines
    assert "export AWS_ENDPOINT_URL=http://h" in lines
    assert "export AWS_REGION=eu-west-1" in lines


def test_function_urls_stand_under_their_functions(capsys: pytest.CaptureFixture[str]) -> None:
    urls = {"F": "http://h/_urls/1/", "F:live": "http://h/_urls/2/", "Fn": "http://h/_urls/3/"}
    show_resources(Health("ready", "eu-west-1", "1", ["F", "Fn"], [], [], [], function_urls=urls))
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "  function  F",
        "            url       http://h/_urls/1/",
        "            url       http://h/_urls/2/  live",
        "  function  Fn",
        "            url       http://h/_urls/3/",
    ]
