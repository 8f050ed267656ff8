"""A model in a process of its own that dies, hangs, runs out of memory, is cancelled and is asked by many."""

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from callpark.kernel.clock import SystemClock, VirtualClock, sleep
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ModelLimits
from callpark.models.backends.local.model import LocalModel
from callpark.models.backends.local.worker import Options
from callpark.models.model import EmbeddingRequest, Prompt, Stop, Token, Tool, Usage
from tests.models.asking import asking, gathered, text_of

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[4]
FAKE = "tests.models.backends.local.fake_runner"
#: Never looked for: what a test waits for comes by itself.
PATIENT = ModelLimits()

Making = Callable[..., LocalModel]


@pytest.fixture
async def making(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Making]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), str(ROOT)]))
    made: list[LocalModel] = []

    def make(
        limits: ModelLimits = PATIENT, runner: str = "load", clock: object = None, memory_bytes: int = 0
    ) -> LocalModel:
        options = Options(str(tmp_path / "mark"), at_once=4, memory_bytes=memory_bytes)
        clock = clock or SystemClock()
        made.append(LocalModel(f"{FAKE}:{runner}", options, "fake", limits, clock))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for model in made:
        await model.close()


async def test_parts_come_as_they_are_said(making: Making) -> None:
    parts = await gathered(making().stream(asking("say one two")))
    assert parts == [Prompt(3), Token("one"), Token("two"), Stop("end_turn", Usage(3, 2))]


async def test_one_process_serves_many_at_once(making: Making) -> None:
    model = making()
    answers = await asyncio.gather(*(gathered(model.stream(asking(f"say {n} {n} {n}"))) for n in range(12)))
    assert [text_of(parts) for parts in answers] == [f"{n}{n}{n}" for n in range(12)]


async def test_a_process_that_dies_while_it_writes_ends_the_stream_and_the_next_request_has_another(
    making: Making, caplog: pytest.LogCaptureFixture
) -> None:
    model = making()
    parts = model.stream(asking("hang after 2"))
    assert [await anext(parts) for _ in range(3)] == [Prompt(3), Token("w"), Token("w")]
    pid = model.pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(CallerError, match="ModelStreamErrorException: The model's process was ended by signal 9"):
        await anext(parts)
    assert text_of(await gathered(model.stream(asking("say again")))) == "again"
    assert model.pid != pid
    assert "the next request starts another" in caplog.text
    caplog.clear()


async def test_what_had_said_nothing_is_asked_again_of_the_next_process(making: Making, tmp_path: Path) -> None:
    assert text_of(await gathered(making().stream(asking("die-once after 0")))) == ""
    assert (tmp_path / "mark").exists()


async def test_a_request_that_kills_every_process_fails_after_the_second(
    making: Making, caplog: pytest.LogCaptureFixture
) -> None:
    model = making()
    with pytest.raises(CallerError, match="ModelStreamErrorException"):
        await gathered(model.stream(asking("die")))
    with pytest.raises(CallerError, match="ModelErrorException"):
        await model.embed(EmbeddingRequest(("die",)))
    assert text_of(await gathered(model.stream(asking("say well")))) == "well"
    caplog.clear()


async def test_others_that_had_not_begun_go_on_when_one_kills_the_process(
    making: Making, caplog: pytest.LogCaptureFixture
) -> None:
    model = making()
    doomed = model.stream(asking("hang after 1"))
    assert [await anext(doomed) for _ in range(2)] == [Prompt(3), Token("w")]
    silent = model.stream(asking("die-once after 0"))
    with pytest.raises(CallerError, match="ModelStreamErrorException"):
        await asyncio.gather(gathered(silent), anext(doomed))
    assert text_of(await gathered(model.stream(asking("say on")))) == "on"
    caplog.clear()


@pytest.mark.parametrize("how", ["hang", "stop"])
async def test_a_process_that_hangs_is_ended(making: Making, how: str, caplog: pytest.LogCaptureFixture) -> None:
    """`hang`: it lives and says nothing; `stop`: it does not even answer whether it lives."""
    patient, soon = 60.0, 0.3
    limits = dataclasses.replace(
        PATIENT,
        heartbeat_seconds=0.05,
        silence_seconds=soon if how == "hang" else patient,
        hung_seconds=soon if how == "stop" else patient,
    )
    model = making(limits)
    with pytest.raises(CallerError, match=r"ModelTimeoutException: The model's process (said nothing|did not answer)"):
        await gathered(model.stream(asking(f"{how} after 2")))
    assert model.pid is None
    caplog.clear()


async def test_running_out_of_memory_ends_one_request_not_the_process(making: Making) -> None:
    model = making()
    with pytest.raises(CallerError, match="ModelStreamErrorException: The model ran out of memory"):
        await gathered(model.stream(asking("memory")))
    pid = model.pid
    with pytest.raises(CallerError, match="ModelStreamErrorException: The model ran out of memory"):
        await gathered(model.stream(asking("memory after 1")))
    with pytest.raises(CallerError, match="ModelStreamErrorException: The model failed: no luck"):
        await gathered(model.stream(asking("fail after 1")))
    assert model.pid == pid


async def test_the_memory_of_the_process_is_bounded(making: Making) -> None:
    model = making(memory_bytes=1_000_000_000)
    with pytest.raises(CallerError, match="ModelStreamErrorException: The model ran out of memory"):
        await gathered(model.stream(asking("allocate after 1")))
    assert text_of(await gathered(model.stream(asking("say on")))) == "on"


async def test_a_process_ends_with_its_parent(making: Making) -> None:
    """However that ends: nobody is left who could end it."""
    script = f"""
import asyncio
from tests.models.backends.local.test_local_model import *

async def main():
    model = LocalModel("{FAKE}:load", Options("", at_once=4), "fake", PATIENT, SystemClock())
    parts = model.stream(asking("hang after 1"))
    await anext(parts)
    print(model.pid, flush=True)
    await anext(parts)
    await anext(parts)

asyncio.run(main())
"""
    making()
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    ended = os.pidfd_open(pid)
    gone = asyncio.Event()
    asyncio.get_running_loop().add_reader(ended, gone.set)
    parent.kill()
    await parent.wait()
    await gone.wait()
    asyncio.get_running_loop().remove_reader(ended)
    os.close(ended)


async def test_what_the_caller_did_wrong_is_the_callers(making: Making) -> None:
    with pytest.raises(CallerError, match="ValidationException: Input is too long for requested model"):
        await gathered(making().stream(asking("refuse")))


async def test_closing_a_stream_ends_the_work(making: Making, tmp_path: Path) -> None:
    model = making()
    parts = model.stream(asking("endless"))
    assert [await anext(parts) for _ in range(3)] == [Prompt(3), Token("w"), Token("w")]
    await parts.aclose()  # type: ignore[attr-defined]
    # One at a time on one socket: the answer comes after the cancellation was read.
    while not (tmp_path / "mark").exists():
        assert await model.count_tokens(asking("is it over yet")) == 4
    assert model.pid is not None


async def test_a_model_that_cannot_be_loaded_says_why_and_is_not_tried_at_once_again(
    making: Making, caplog: pytest.LogCaptureFixture
) -> None:
    broken = making(runner="broken")
    for _ in range(2):
        with pytest.raises(CallerError, match="ModelNotReadyException: fake cannot be loaded: ValueError: no model in"):
            await gathered(broken.stream(asking("say x")))
    assert caplog.text.count("cannot be loaded") == 1
    with pytest.raises(CallerError, match="cannot be loaded: ended with status 3"):
        await gathered(making(runner="dying").stream(asking("say x")))
    caplog.clear()


async def test_a_model_that_takes_too_long_to_load(making: Making, caplog: pytest.LogCaptureFixture) -> None:
    model = making(dataclasses.replace(PATIENT, load_seconds=0.01))
    with pytest.raises(CallerError, match=r"cannot be loaded: was not ready after 0\.01 s"):
        await gathered(model.stream(asking("say x")))
    caplog.clear()


async def test_closing_ends_what_is_being_read(making: Making) -> None:
    model = making()
    parts = model.stream(asking("hang after 1"))
    assert [await anext(parts) for _ in range(2)] == [Prompt(3), Token("w")]
    waiting = asyncio.ensure_future(gathered(parts))
    await asyncio.sleep(0)
    await model.close()
    with pytest.raises(CallerError, match="is closed"):
        await waiting
    with pytest.raises(CallerError, match="ServiceUnavailableException"):
        await gathered(model.stream(asking("say x")))


async def test_virtual_time_stands_still_while_the_model_works_but_not_while_its_reader_waits(
    making: Making, clock: VirtualClock
) -> None:
    model = making(clock=clock)

    async def read() -> float:
        async for _ in model.stream(asking("say one")):
            await sleep(clock, 10)
        return clock.now()

    start = clock.now()
    assert await clock.run_until(read()) == start + 30


async def test_tools_that_the_template_does_not_know_are_warned_of_once(
    making: Making, caplog: pytest.LogCaptureFixture
) -> None:
    model = making()
    request = dataclasses.replace(asking("say x"), tools=(Tool("weather", "", {}),))
    await gathered(model.stream(request))
    await gathered(model.stream(request))
    assert caplog.text.count("fake: knows no tools") == 1
    caplog.clear()
