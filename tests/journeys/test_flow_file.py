"""A bare flow file with a function: asynchronous, waited for, in time and too late; by script and by keyboard."""

import asyncio
import json
import os
import pty
import sys
from pathlib import Path

import pytest

from tests.journeys.commands import command, processes_of

pytestmark = pytest.mark.process

FLOWS = Path(__file__).parent / "flows"
CALL = ("call", str(FLOWS / "work.json"), "--function", f"Work={FLOWS / 'work.py'}:lambda_handler")
QUICK = ("--limit", "connect.words_per_minute=6000")


async def called(*options: str) -> dict[str, list[dict[str, object]]]:
    """The timeline as JSON, while three calls may run at once."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "callpark", *CALL, *QUICK, *options, "-o", "json"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    made: dict[str, list[dict[str, object]]] = json.loads(out)
    return made


async def test_the_caller_hears_the_end_as_soon_as_the_function_returns_and_no_later_than_the_wait() -> None:
    in_time, too_late = await asyncio.gather(called("--keys", "2"), called("--keys", "9"))

    spoken = [prompt["text"] for prompt in in_time["prompts"] if prompt["text"]]
    assert spoken == ["How long may it take?", "We are working on it.", "It took 2 seconds. Goodbye."]
    (function,) = in_time["functions"]
    assert (function["name"], function["asynchronous"], function["outcome"]) == ("Work", True, "succeeded")
    returned = float(str(function["end"]))
    assert returned - float(str(function["start"])) >= 2.0
    last = next(prompt for prompt in in_time["prompts"] if prompt["text"] == "It took 2 seconds. Goodbye.")
    assert float(str(last["start"])) - returned < 1.5, "the Wait of 4 seconds is not sat out"

    spoken = [prompt["text"] for prompt in too_late["prompts"] if prompt["text"]]
    assert spoken == ["How long may it take?", "We are working on it.", "It takes too long. Goodbye."]
    (wait,) = too_late["waits"]
    assert 3.9 <= float(str(wait["end"])) - float(str(wait["start"])) < 8.0, "the function takes 9"
    assert wait["branch"] == "WaitCompleted"


async def test_the_keyboard_is_the_keypad() -> None:
    """On a pseudo-terminal: a key counts without Return, and `h` hangs up."""
    ours, theirs = pty.openpty()
    async with command(*CALL, *QUICK, stdin=theirs) as call:
        os.close(theirs)
        await call.until("(keys: up to 1")
        os.write(ours, b"x")
        os.write(ours, b"5")
        await call.until("function Work starts, the flow goes on")
        await call.until("We are working on it.")
        os.write(ours, b"h")
        await call.until("hung up: CUSTOMER_DISCONNECT")
        assert await call.ended() == 0
    os.close(ours)
    assert any("keys: 5" in line for line in call.lines), call.lines


async def test_ctrl_c_during_a_call_leaves_nothing(tmp_path: Path) -> None:
    async with command(*CALL, "--keys", "9", *QUICK) as call:
        await call.until("function Work starts")
        assert await call.signal() == 130
        assert call.lines[-1] == "hanging up"
    assert processes_of(call.process.pid) == []


async def test_a_function_under_another_name_is_told_before_the_call_and_in_it() -> None:
    other = ("call", str(FLOWS / "work.json"), "--function", f"Other={FLOWS / 'work.py'}", "--keys", "1")
    async with command(*other, *QUICK) as call:
        assert await call.ended() == 0
    told = "\n".join(call.lines)
    assert "warning: the flow calls the function Work: give it with --function Work=./file.py:handler" in told
    assert "warning: --function Other: the flow names no function of that name; it calls Work" in told
    assert "function Work refused: Function not found" in told
    assert "“Something failed. Goodbye.”" in told
