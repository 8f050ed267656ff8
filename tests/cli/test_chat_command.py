"""`callpark chat` as users start it: against a server that runs, and with one of its own."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.cli.till import callpark
from tests.flows.building import action, content, hang_up, say
from tests.flows.chat.chatting import TALK, chat_server

pytestmark = pytest.mark.process

SCRIPT = ("--say", "a", "--say", "b", "--pause", "0.05", "--attribute", "name=Ann")


async def chat(*arguments: str, typed: str = "") -> tuple[int | None, str, str]:
    """The exit code and what it printed on both streams."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "callpark", "chat", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
    )
    out, errors = await process.communicate(typed.encode())
    return process.returncode, out.decode(), errors.decode()


async def test_a_chat_with_a_running_server(tmp_path: Path) -> None:
    async with chat_server(tmp_path, *TALK) as app:
        code, out, errors = await chat("flow", "--endpoint", app.base_url, *SCRIPT, "-o", "json")
        assert out, errors
        shown = json.loads(out)
        assert (code, shown["reason"]) == (0, "CONTACT_FLOW_DISCONNECT")
        texts = [item["Content"] for item in shown["transcript"] if "Content" in item]
        assert texts == ["Hello Ann.", "a", "One.", "b", "Two."]
        code, _, errors = await chat("none", "--endpoint", app.base_url)
        assert code == 2
        assert "there is: flow" in errors
        code, out, _ = await chat("flow", "--endpoint", app.base_url, typed="typed\n\n")
        assert code == 0
        assert "Customer: typed" in out


async def test_the_customer_leaves_a_flow_that_says_nothing(tmp_path: Path) -> None:
    flow = tmp_path / "talk.json"
    flow.write_text(content(*TALK))
    code, out, _ = await chat(str(flow), "--say", "a", "--pause", "0.05", "--stay", "0.2")
    lines = [line[9:] for line in out.splitlines()]
    assert code == 0
    assert [line for line in lines if ":" in line] == ["flow: Hello .", "Customer: a", "flow: One."]
    assert lines[-1].strip() == "chat ended"


async def test_nobody_is_there() -> None:
    code, _, errors = await chat("flow", "--endpoint", "http://127.0.0.1:1")
    assert code == 3
    assert "no callpark server answers" in errors


@pytest.mark.parametrize(
    "arguments",
    [
        ("flow", "--endpoint", "http://127.0.0.1:1", "--function", "A=b:c"),
        ("none.json",),
        ("flow", "--attribute", "name"),
    ],
)
async def test_what_cannot_be(arguments: tuple[str, ...]) -> None:
    assert await callpark("chat", *arguments) == 2


async def test_what_is_written_to_a_view_chooses_its_action(tmp_path: Path) -> None:
    errors = {"NoMatchingCondition": "bye", "NoMatchingError": "bye", "TimeLimitExceeded": "bye"}
    view = {"ViewResource": {"Id": "form", "Version": "1"}, "ViewData": {"title": "Which?"}}
    show = action("show", "ShowView", view, "bye", errors=errors, when={"Next": "thanks"})
    async with chat_server(tmp_path, show, say("thanks", "Thank you.", "bye"), hang_up()) as app:
        code, out, _ = await chat("flow", "--endpoint", app.base_url, "--say", "Next", "--pause", "0.05")
    lines = [line[9:] for line in out.splitlines() if ":" in line[9:]]
    assert code == 0
    assert lines == ['flow: [view form] {"title": "Which?"}', "Customer: [Next]", "flow: Thank you."]
