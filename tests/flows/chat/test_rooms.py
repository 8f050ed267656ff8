"""Chats on a clock and a store that is slow, out of order, or fails: what is shown is on disk, once, in one order."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.flows.chat.model import Item
from callpark.flows.chat.requests import NewChat
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ConnectLimits
from callpark.store.memory import MemoryFaults
from tests.flows.chat.house import House

pytestmark = pytest.mark.sim


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**16),
    st.lists(st.tuples(st.integers(0, 2), st.floats(0, 0.2), st.integers(0, 3)), min_size=1, max_size=12),
)
async def test_frames_are_the_transcript(seed: int, sends: list[tuple[int, float, int]]) -> None:
    """Three chats, messages at any time, some with client tokens that come again."""
    clock = VirtualClock()
    house = House(clock, MemoryFaults(seed=seed, delay_seconds=0.1, reorder=True))

    async def all_of_it() -> None:
        rooms = [await house.chat() for _ in range(3)]

        async def say(number: int, token: int) -> Item:
            return await house.chats.send(rooms[number][0], "text/plain", f"{token}", f"token {token}" if token else "")

        sending = []
        for number, pause, token in sends:
            sending.append((number, token, asyncio.ensure_future(say(number, token))))
            await clock_sleep(clock, pause)
        answers = [(number, token, await task) for number, token, task in sending]
        await clock_sleep(clock, 5.0)
        for number, (seat, ear) in enumerate(rooms):
            kept = await house.kept(seat.contact.id)
            assert [item.sequence for item in kept] == list(range(len(kept)))
            assert ear.ids == [item.id for item in kept]
            own = [item for who, _, item in answers if who == number]
            assert {item.id for item in own} == {
                item.id for item in kept if item.kind == "MESSAGE" and item.author == seat.participant
            }
            for token in (1, 2, 3):
                assert len({item.id for who, used, item in answers if (who, used) == (number, token)}) <= 1

    await clock.run_until(all_of_it())
    await house.office.flows.close()


async def clock_sleep(clock: VirtualClock, seconds: float) -> None:
    done = asyncio.Event()
    clock.timer(clock.now() + seconds, done.set)
    await done.wait()


async def test_a_disk_that_fails_ends_the_chat_and_says_so(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(clock, MemoryFaults())
    seat, ear = await clock.run_until(house.chat())
    await clock.settle()
    shown = len(ear.ids)
    house.store._faults = MemoryFaults(failures=1.0)
    with pytest.raises(CallerError, match="AccessDeniedException"):
        await clock.run_until(house.chats.send(seat, "text/plain", "lost", ""))
    caplog.clear()
    assert ear.ended
    assert len(await house.kept(seat.contact.id)) == shown


async def test_a_transcript_has_an_end(clock: VirtualClock) -> None:
    house = House(clock, MemoryFaults(), ConnectLimits(chat_items=3))
    seat, _ = await clock.run_until(house.chat())
    await clock.settle()
    await clock.run_until(house.chats.send(seat, "text/plain", "third", ""))
    await clock.settle()
    with pytest.raises(CallerError, match="ThrottlingException"):
        await clock.run_until(house.chats.send(seat, "text/plain", "one too many", ""))


async def test_too_many_messages_that_wait_for_the_disk(clock: VirtualClock) -> None:
    house = House(clock, MemoryFaults(), ConnectLimits(chat_unsaved_messages=2))
    seat, _ = await clock.run_until(house.chat())
    sending = [asyncio.ensure_future(house.chats.send(seat, "text/plain", str(n), "")) for n in range(3)]
    results = await clock.run_until(asyncio.gather(*sending, return_exceptions=True))
    assert [isinstance(result, CallerError) for result in results] == [False, False, True]


async def test_transcripts_go_with_their_contacts(clock: VirtualClock) -> None:
    house = House(clock, MemoryFaults(), ConnectLimits(kept_contacts=1))
    ids = []
    for _ in range(2):
        seat, _ = await clock.run_until(house.chat())
        await clock.run_until(house.chats.send(seat, "text/plain", "hello", ""))
        await clock.run_until(house.office.flows.stop(seat.contact.id))
        ids.append(seat.contact.id)
    assert [len(await house.kept(id_)) > 0 for id_ in ids] == [False, True]


async def test_one_chat_for_one_client_token_even_at_once(clock: VirtualClock) -> None:
    house = House(clock, MemoryFaults(delay_seconds=0.1))
    wanted = NewChat("flow", "Ann", {}, client_token="same")
    begun = await clock.run_until(asyncio.gather(*(house.chats.begin(wanted) for _ in range(3))))
    assert len({one.contact_id for one in begun}) == 1
    assert len(house.office.flows.contacts()) == 1
