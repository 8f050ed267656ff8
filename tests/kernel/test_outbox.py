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
    outbox.put(b"a", b"b", b"c")
    outbox.put(b"d")
    assert await outbox.wait()
    assert [outbox.take(), outbox.take(), outbox.take()] == [b"abc", b"d", None]


async def test_a_waiter_wakes_for_the_first_message(outbox: Outbox) -> None:
    waiting = asyncio.create_task(outbox.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.put(b"a")
    outbox.put(b"b")
    assert await waiting
    assert len(outbox) == 2


@pytest.mark.parametrize("messages", [[b"a"] * 4, [b"x" * 11], [b"x" * 6, b"x" * 5]])
def test_too_much_is_an_overflow_once_and_drops_what_is_unsent(
    outbox: Outbox, overflows: Overflows, messages: list[bytes]
) -> None:
    for message in [*messages, b"more", b"and more"]:
        outbox.put(message)
    assert overflows.count == 1
    assert outbox.take() is None


def test_what_was_taken_no_longer_counts(outbox: Outbox, overflows: Overflows) -> None:
    for _ in range(20):
        outbox.put(b"12345", b"6789")
        assert outbox.take() == b"123456789"
    assert overflows.count == 0


async def test_after_the_end_what_is_there_is_still_sent(outbox: Outbox) -> None:
    outbox.put(b"a")
    outbox.finish()
    outbox.put(b"b")
    assert await outbox.wait()
    assert (outbox.take(), outbox.take()) == (b"a", None)
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
    outbox.put(b"a")
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await outbox.wait()


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.unsent = 0
        self.closing = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return self.unsent


async def test_while_nothing_else_is_unsent_a_message_is_written_at_once(overflows: Overflows) -> None:
    wire = Wire()
    outbox = Outbox(3, 10, overflows, wire)
    outbox.put(b"early")
    assert wire.written == []  # nobody waits yet: the writer may be in the middle of a message
    assert await outbox.wait()
    assert outbox.take() == b"early"
    waiting = asyncio.create_task(outbox.wait())
    await asyncio.sleep(0)
    outbox.put(b"a", b"b")
    outbox.put(b"c")
    assert wire.written == [b"\x81\x02ab", b"\x81\x01c"]
    assert not waiting.done()
    wire.unsent = 1
    outbox.put(b"behind")
    wire.unsent = 0
    outbox.put(b"d")
    assert len(wire.written) == 2
    assert await waiting
    assert [outbox.take(), outbox.take(), outbox.take()] == [b"behind", b"d", None]
    outbox.put(b"e")
    assert outbox.take() == b"e"


async def test_nothing_is_written_to_a_wire_that_closes(overflows: Overflows) -> None:
    wire = Wire()
    wire.closing = True
    outbox = Outbox(3, 10, overflows, wire)
    waiting = asyncio.create_task(outbox.wait())
    await asyncio.sleep(0)
    outbox.put(b"a")
    assert await waiting
    assert (wire.written, outbox.take()) == ([], b"a")


async def test_nothing_is_written_after_the_end(overflows: Overflows) -> None:
    wire = Wire()
    outbox = Outbox(3, 10, overflows, wire)
    waiting = asyncio.create_task(outbox.wait())
    await asyncio.sleep(0)
    outbox.finish()
    outbox.put(b"a")
    assert wire.written == []
    assert not await waiting


async def test_too_much_is_not_written_at_once_either(overflows: Overflows) -> None:
    wire = Wire()
    outbox = Outbox(3, 10, overflows, wire)
    waiting = asyncio.create_task(outbox.wait())
    await asyncio.sleep(0)
    outbox.put(b"x" * 11)
    assert (overflows.count, wire.written) == (1, [])
    assert not await waiting
