"""`logs` and `events` against an application in this process: what they print, and how they refuse."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.app import App
from callpark.cli import durations
from callpark.cli.logs_command import log_group
from callpark.functions.changes import ConfigurationEdit
from callpark.functions.model import Invocation
from callpark.kernel.errors import ProjectError
from tests.cli.till import callpark, till

pytestmark = pytest.mark.process


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with till(tmp_path, monkeypatch, "lambda.environments=2") as app:
        yield app


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("logs", "Nobody"), "The specified log group does not exist"),
        (("logs", "Nobody", "--follow"), "there is no function Nobody"),
        (("logs", "Till", "--since", "soon"), "not a span of time"),
        (("logs", "/aws/x", "--filter", "[a]"), "space-delimited"),
        (("events", "show", "nobody"), "no event nobody is known"),
        (("events", "replay", "nobody"), "no event nobody is known"),
        (("events", "replay", "nobody", "--event", "/no/such/file"), "cannot read the event file"),
        (("events", "redrive"), "which events?"),
        (("events", "redrive", "--request-id", "nobody"), "no event nobody is known"),
        (("events", "frobnicate"), "No such command"),
        (("events", "ls", "--limit", "0"), "Invalid value for '--limit'"),
    ],
)
async def test_wrong_usage_has_a_cause_and_a_remedy(
    app: App, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert await callpark(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    cause, remedy = printed.err.splitlines()
    assert cause.startswith("error: ")
    assert told in cause
    assert remedy.startswith("       ")


@pytest.mark.parametrize("arguments", [("logs", "Till"), ("logs", "Till", "-f"), ("events", "ls")])
async def test_without_a_server(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLPARK_ENDPOINT", "http://127.0.0.1:9")
    assert await callpark(*arguments) == 3
    assert "no callpark server answers" in capsys.readouterr().err


async def test_logs_as_text_and_as_json(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    app.logs.append("/aws/lambda/Till", "s", "r-1", app.clock.now(), "two\nlines\n")
    app.logs.append("/aws/lambda/Till", "s", "r-2", app.clock.now() - 3_600, "old\n")
    assert await callpark("logs", "Till") == 0
    at, _, message = capsys.readouterr().out.partition("  ")
    assert at.endswith("Z")
    assert message == "two\nlines\n"
    assert (
        await callpark("logs", "arn:aws:lambda:us-east-1:123456789012:function:Till:1", "--since", "1d", "-o", "json")
        == 0
    )
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["requestId"], line["message"]) for line in lines] == [("r-2", "old"), ("r-1", "two\nlines")]


async def test_logs_of_a_function_whose_log_group_is_another(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    await app.functions.administration.update_configuration("Till", ConfigurationEdit(log_group="/shared"), inert={})
    result = await app.functions.invoke(Invocation("Till", b"{}"))
    assert await callpark("logs", "Till") == 0
    printed = capsys.readouterr().out
    assert f"START RequestId: {result.request_id} Version: $LATEST" in printed


async def test_no_events_are_no_error(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert await callpark("events", "ls") == 0
    assert capsys.readouterr().out == ""
    assert await callpark("events", "ls", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "events": [],
        "discarded": [],
        "totals": {"events": 0, "discarded": 0},
    }


async def test_a_list_of_events_that_is_cut_says_so(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        await app.functions.wait_for_event(await app.functions.invoke_event(Invocation("Till", b"{}")))
    assert await callpark("events", "ls", "Till", "--all", "--limit", "2") == 0
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.out.splitlines()] == ["STATUS", "succeeded", "succeeded"]
    assert "2 of 3 shown" in printed.err


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("Till", "/aws/lambda/Till"),
        ("Till:live", "/aws/lambda/Till"),
        ("arn:aws:lambda:eu-west-1:1:function:Till", "/aws/lambda/Till"),
        ("arn:aws:lambda:eu-west-1:1:function:Till:3", "/aws/lambda/Till"),
        ("/aws/connect/callpark", "/aws/connect/callpark"),
    ],
)
def test_the_group_of_a_name(name: str, group: str) -> None:
    assert log_group(name) == group


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5_400), ("2d", 172_800), ("1w", 604_800)]
)
def test_spans_of_time(text: str, seconds: float) -> None:
    assert durations.seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "-1m", "1y", "1 hour", "nan", "1e3"])
def test_what_is_no_span_of_time(text: str) -> None:
    with pytest.raises(ProjectError, match="not a span of time"):
        durations.seconds(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (12.4, "12 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7_500, "2 h 5 min"),
        (273_600, "3 d 4 h"),
    ],
)
def test_spans_are_told_in_two_units(seconds: float, text: str) -> None:
    assert durations.told(seconds) == text
