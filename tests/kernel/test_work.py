"""holds, tasks, trace."""

import asyncio
from dataclasses import dataclass

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.holds import HoldLedger
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Entry, Trace

pytestmark = pytest.mark.sim


class TestHolds:
    def test_a_hold_is_out_until_it_is_released_and_no_longer(self) -> None:
        changes: list[int] = []
        ledger = HoldLedger(lambda: changes.append(len(ledger)))
        one, two = ledger.take("same"), ledger.take("same")
        assert list(ledger.owners()) == ["same", "same"]
        one.release()
        one.release()
        with two:
            assert len(ledger) == 1
        assert len(ledger) == 0
        assert changes == [1, 2, 1, 0]


class TestTasks:
    async def test_a_task_is_named_and_forgotten_when_it_ends(self) -> None:
        tasks, ended = Tasks("queue"), asyncio.Event()

        async def work() -> None:
            ended.set()

        task = tasks.spawn(work(), "refill")
        assert (task.get_name(), len(tasks)) == ("queue: refill", 1)
        await task
        await asyncio.sleep(0)
        assert ended.is_set()
        assert len(tasks) == 0

    async def test_a_task_that_fails_is_logged_as_a_bug(self, caplog: pytest.LogCaptureFixture) -> None:
        tasks = Tasks("queue")

        async def fail() -> None:
            raise ValueError("broken")

        await asyncio.wait([tasks.spawn(fail(), "refill")])
        await asyncio.sleep(0)
        assert [record.getMessage() for record in caplog.records] == ["a background task failed: queue: refill"]
        caplog.clear()

    async def test_closing_cancels_and_waits_also_for_what_an_ending_task_spawns(self) -> None:
        tasks, ended = Tasks("queue"), list[str]()

        async def wait(name: str) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                ended.append(name)
                if name == "first":
                    tasks.spawn(wait("second"), "second")

        tasks.spawn(wait("first"), "first")
        await asyncio.sleep(0)
        closing = asyncio.create_task(tasks.aclose())
        await asyncio.wait_for(closing, 2)
        assert ended[0] == "first"
        assert len(tasks) == 0

    async def test_a_task_may_close_its_own_group(self) -> None:
        tasks = Tasks("queue")
        tasks.spawn(asyncio.Event().wait(), "other")  # type: ignore[arg-type]
        await asyncio.wait_for(tasks.spawn(tasks.aclose(), "closer"), 2)
        assert len(tasks) == 0

    async def test_closing_nothing(self) -> None:
        tasks = Tasks("nobody")
        await tasks.aclose()
        assert len(tasks) == 0


@dataclass(frozen=True, slots=True)
class _Happened:
    subject: str


class TestTrace:
    async def test_entries_carry_their_number_and_instant(self, clock: VirtualClock) -> None:
        trace, start = Trace(clock), clock.now()
        trace.emit(_Happened("a"))
        await clock.advance(5)
        trace.emit(_Happened("b"))
        assert list(trace.entries()) == [Entry(1, start, _Happened("a")), Entry(2, start + 5, _Happened("b"))]
        assert [entry.sequence for entry in trace.entries("b")] == [2]

    def test_only_the_last_entries_are_kept(self, clock: VirtualClock) -> None:
        trace = Trace(clock, capacity=3)
        for n in range(10):
            trace.emit(_Happened(str(n)))
        assert [entry.happening.subject for entry in trace.entries()] == ["7", "8", "9"]

    def test_readers_hear_until_they_end_even_while_being_told(self, clock: VirtualClock) -> None:
        trace, heard = Trace(clock), list[str]()

        def once(entry: Entry) -> None:
            heard.append(f"once {entry.sequence}")
            end_once()

        end_once = trace.listen(once)
        end = trace.listen(lambda entry: heard.append(f"all {entry.sequence}"))
        trace.emit(_Happened("x"))
        trace.emit(_Happened("x"))
        end()
        end()
        end_once()
        trace.emit(_Happened("x"))
        assert heard == ["once 1", "all 1", "all 2"]

    def test_who_hears_one_type_is_not_called_for_another(self, clock: VirtualClock) -> None:
        @dataclass(frozen=True, slots=True)
        class Other:
            subject: str

        trace, heard = Trace(clock), list[tuple[str, float, object]]()
        trace.hear({_Happened: lambda at, happening: heard.append(("first", at, happening))})
        trace.hear({_Happened: lambda at, happening: heard.append(("second", at, happening))})
        trace.listen(lambda entry: heard.append(("all", entry.at, entry.happening)))
        now, happened, other = clock.now(), _Happened("x"), Other("y")
        trace.emit(other)
        trace.emit(happened)
        assert heard == [
            ("all", now, other),
            ("first", now, happened),
            ("second", now, happened),
            ("all", now, happened),
        ]

    def test_a_reader_that_fails_is_let_through(self, clock: VirtualClock) -> None:
        trace = Trace(clock)

        def fail(entry: Entry) -> None:
            raise ValueError("broken")

        trace.listen(fail)
        with pytest.raises(ValueError, match="broken"):
            trace.emit(_Happened("x"))
        assert len(list(trace.entries())) == 1
