"""`callpark faults` against a server in this process, with the real handler that it lets down."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.app import App
from callpark.functions.model import Invocation
from tests.cli.till import callpark, till

pytestmark = pytest.mark.process


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    async with till(tmp_path, monkeypatch, "lambda.retry_base_seconds=0") as app:
        yield app


async def test_an_event_survives_the_faults_that_are_asked_for(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert await callpark("faults", "add", "Till", "fail", "-n", "2", "--error-type", "Mine") == 0
    assert capsys.readouterr().out == "Till: fail the next 2 deliveries\n"
    request_id = await app.functions.invoke_event(Invocation("Till", b"5"))
    result = await app.functions.wait_for_event(request_id)
    assert (result.function_error, result.payload) == (None, b"5")
    assert app.faults.plan.faults == ()


async def test_a_synchronous_caller_meets_them_too(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert await callpark("faults", "add", "Till", "crash") == 0
    assert await callpark("faults", "add", "Till", "delay", "--seconds", "0.01") == 0
    capsys.readouterr()
    assert await callpark("faults", "ls") == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed == ["Till: crash the next delivery", "Till: delay the next delivery by 0.01 s"]
    crashed = await app.functions.invoke(Invocation("Till", b"5"))
    assert json.loads(crashed.payload)["errorType"] == "Runtime.ExitError"
    assert (await app.functions.invoke(Invocation("Till", b"5"))).payload == b"5"
    assert await callpark("faults", "add", "Till", "throttle") == 0
    assert await callpark("faults", "clear") == 0
    assert (await app.functions.invoke(Invocation("Till", b"5"))).payload == b"5"


async def test_wrong_faults_are_refused_by_name(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert await callpark("faults", "add", "Nobody", "fail") == 2
    assert "Nobody" in capsys.readouterr().err
    assert await callpark("faults", "add", "Till", "explode") == 2
    assert "there is throttle, fail, crash, delay, duplicate" in capsys.readouterr().err
    assert await callpark("faults", "add", "Till", "delay") == 2
    assert "as in: delay --seconds 30" in capsys.readouterr().err
    assert await callpark("faults", "add", "Till", "fail", "--seconds", "3") == 2
    assert app.faults.plan.faults == ()


async def test_scripts_read_faults_as_json(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert await callpark("faults", "add", "Till", "fail", "-n", "2", "-o", "json") == 0
    added = json.loads(capsys.readouterr().out)
    assert [(each["function"], each["kind"], each["deliveries"]) for each in added["faults"]] == [("Till", "fail", 2)]
    assert await callpark("faults", "ls", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == added
    assert await callpark("faults", "clear", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == {"faults": []}
