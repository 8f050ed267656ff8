"""`callpark contacts` against an application in this process, and the page behind it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from callpark.app import App
from callpark.flows.channels.phone import ScriptedPhone
from callpark.kernel.limits import Limits
from callpark.serving import served
from callpark.settings import Settings
from tests.cli.till import callpark
from tests.flows.building import action, content, hang_up, invoke, say, wait

pytestmark = pytest.mark.process

FUNCTION = {
    "Type": "AWS::Lambda::Function",
    "Properties": {"FunctionName": "F", "Runtime": "python3.11", "Handler": "app.handler", "Role": "r", "Code": "src"},
}


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """Flow `talk` ends by itself, `stay` waits for a minute."""
    log = action("log", "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "hello")
    tier = {"Attributes": {"tier": "$.External.tier"}}
    keep = action("keep", "UpdateContactAttributes", tier, "bye", errors={"NoMatchingError": "bye"})
    talk = content(log, say("hello", "Hello there.", "ask"), invoke("ask", "keep"), keep, hang_up())
    stay = content(wait("wait", events={"R": ("nobody", "bye")}, completed="bye"), hang_up())
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("def handler(event, context):\n    return {'tier': 'gold'}\n")
    flow = {"Type": "AWS::Connect::ContactFlow"}
    where = {"Type": "CONTACT_FLOW", "InstanceArn": "i"}
    resources = {
        "F": FUNCTION,
        "Talk": {**flow, "Properties": {**where, "Name": "talk", "Content": talk}},
        "Stay": {**flow, "Properties": {**where, "Name": "stay", "Content": stay}},
    }
    (tmp_path / "template.json").write_text(json.dumps({"Resources": resources}))
    limits = Limits().override(["connect.words_per_minute=60000"])
    async with served(Settings(data=tmp_path / "data", port=0, limits=limits), tmp_path) as app:
        monkeypatch.setenv("CALLPARK_ENDPOINT", app.base_url)
        yield app


async def test_listing_and_showing(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert await callpark("contacts", "ls") == 0
    assert capsys.readouterr().err == "no contacts\n"

    ended = app.flows.start_call("talk", ScriptedPhone(app.clock))
    await ended.ended
    staying = app.flows.start_call("stay", ScriptedPhone(app.clock))
    assert await callpark("contacts", "ls") == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["STATE", "CHANNEL", "FLOW", "CUSTOMER", "BEGAN", "LASTED", "ENDED", "BY", "CONTACT", "ID"]
    assert first.split()[:3] == ["waiting", "VOICE", "stay"]
    assert first.endswith(staying.contact_id)
    assert second.split()[:3] == ["ended", "VOICE", "talk"]
    assert second.split()[-2:] == ["CONTACT_FLOW_DISCONNECT", ended.contact_id]
    assert await callpark("contacts", "ls", "-n", "1") == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2
    assert printed.err == "1 of 2 shown; -n shows more\n"
    assert await callpark("contacts", "ls", "--state", "open", "--flow", "stay", "--since", "1h", "-o", "json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [contact["contactId"] for contact in listed["contacts"]] == [staying.contact_id]
    assert await callpark("contacts", "ls", "--flow", "nobody") == 0
    assert capsys.readouterr().err == "no contacts\n"

    assert await callpark("contacts", "show", ended.contact_id) == 0
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert lines[0] == f"talk ended  {ended.contact_id}"
    assert "  tier = gold" in lines
    (asked,) = [line for line in lines if "(InvokeLambdaFunction)" in line]
    assert asked.endswith("ask (InvokeLambdaFunction)  NextAction")
    assert any("“Hello there.”" in line for line in lines)
    assert any("F, " in line and "the caller waits" in line for line in lines)
    assert f"--request-id {ended.contact_id}" in printed.err
    assert await callpark("contacts", "show", ended.contact_id, "-o", "json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["record"]["Attributes"] == {"tier": "gold"}
    assert shown["record"]["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"
    assert shown["flows"] == ["talk"]
    assert shown["complete"] is True
    assert shown["log"]["stream"] == ended.contact_id

    assert await callpark("contacts", "show", staying.contact_id) == 0
    assert "stands here  wait (Wait)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("contacts", "show", "nobody"), "no contact nobody is known"),
        (("contacts", "ls", "--state", "asleep"), "state is one of open, scheduled"),
        (("contacts", "ls", "--since", "soon"), "not a span of time"),
        (("contacts", "ls", "-n", "0"), "Invalid value for '-n'"),
        (("contacts", "frobnicate"), "No such command"),
    ],
)
async def test_wrong_usage_has_a_cause_and_a_remedy(
    app: App, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert await callpark(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    cause, remedy = printed.err.splitlines()
    assert told in cause
    assert remedy.startswith("       ")


@pytest.mark.parametrize("arguments", [("contacts", "ls"), ("contacts", "show", "x")])
async def test_without_a_server(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALLPARK_ENDPOINT", "http://127.0.0.1:9")
    assert await callpark(*arguments) == 3
    assert "no callpark server answers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/_callpark/contacts?frob=1", 400, "knows no parameter frob"),
        ("GET", "/_callpark/contacts?limit=0", 400, "limit is a number above 0"),
        ("GET", "/_callpark/contacts?limit=x", 400, "limit is a number above 0"),
        ("GET", "/_callpark/contacts?since=nan", 400, "since is a number above 0"),
        ("GET", "/_callpark/contacts/a/b", 404, "nothing is at GET"),
        ("POST", "/_callpark/contacts", 404, "nothing is at POST"),
    ],
)
async def test_the_page_refuses_by_name(app: App, method: str, path: str, status: int, told: str) -> None:
    async with httpx.AsyncClient(base_url=app.base_url, trust_env=False, timeout=30) as client:
        answer = await client.request(method, path)
    assert answer.status_code == status
    assert told in answer.json()["message"]
