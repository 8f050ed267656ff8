"""The bounded outbox: order, sharing, overflow, the end."""

import asyncio

import pytest

from callpark.kernel.outbox import Outbox

pytestmark = pytest.mark.unit


class Overflows:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


@pytest.fixture
def overflows() -> Overflows:
    return Overflows()


@pytest.fixture
def outbox(overflows: Overflows) -> Outbox:
    return Outbox(3, 10, overflows)


async def test_messages_come_out_whole_and_in_order(outbox: Outbox) -> None:
    outbox.put("a", "b", "c")
    outbox.put("d")
    assert await outbox.wait()
    assert [outbox.take(), outbox.take(), outbox.take()] == ["abc", "d", None]


async def test_a_waiter_wakes_for_the_first_message(outbox: Outbox) -> None:
    waiting = asyncio.create_task(outbox.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.put("a")
    outbox.put("b")
    assert await waiting
    assert len(outbox) == 2


@pytest.mark.parametrize("messages", [["a"] * 4, ["x" * 11], ["x" * 6, "x" * 5]])
def test_too_much_is_an_overflow_once_and_drops_what_is_unsent(
    outbox: Outbox, overflows: Overflows, messages: list[str]
) -> None:
    for message in [*messages, "more", "and more"]:
        outbox.put(message)
    assert overflows.count == 1
    assert outbox.take() is None


def test_what_was_taken_no_longer_counts(outbox: Outbox, overflows: Overflows) -> None:
    for _ in range(20):
        outbox.put("12345", "6789")
        assert outbox.take() == "123456789"
    assert overflows.count == 0


async def test_after_the_end_what_is_there_is_still_sent(outbox: Outbox) -> None:
    outbox.put("a")
    outbox.finish()
    outbox.put("b")
    assert await outbox.wait()
    assert (outbox.take(), outbox.take()) == ("a", None)
    assert not await outbox.wait()


async def test_the_end_wakes_a_waiter(outbox: Outbox) -> None:
    waiting = asyncio.create_task(outbox.wait())
    await asyncio.sleep(0)
    outbox.finish()
    assert not await waiting


async def test_a_waiter_that_was_cancelled_is_no_trouble(outbox: Outbox) -> None:
    waiting = asyncio.create_task(outbox.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    outbox.put("a")
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await outbox.wait()


async def test_while_nothing_else_is_unsent_a_message_is_written_at_once(overflows: Overflows) -> None:
    written: list[str] = []

    def write(text: str) -> bool:
        written.append(text)
        return len(written) < 3

    outbox = Outbox(3, 10, overflows, write)
    outbox.put("early")
    assert written == []  # nobody waits yet: the writer may be in the middle of a message
    assert await outbox.wait()
    assert outbox.take() == "early"
    waiting = asyncio.create_task(outbox.wait())
    await asyncio.sleep(0)
    outbox.put("a", "b")
    outbox.put("c")
    assert written == ["ab", "c"]
    assert not waiting.done()
    outbox.put("refused")
    outbox.put("d")
    assert written == ["ab", "c", "refused"]
    assert await waiting
    assert [outbox.take(), outbox.take(), outbox.take()] == ["refused", "d", None]
    outbox.put("e")
    assert outbox.take() == "e"


async def test_too_much_is_not_written_at_once_either(overflows: Overflows) -> None:
    outbox = Outbox(3, 10, overflows, lambda text: True)
    waiting = asyncio.create_task(outbox.wait())
    await asyncio.sleep(0)
    outbox.put("x" * 11)
    assert overflows.count == 1
    assert not await waiting
