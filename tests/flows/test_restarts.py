"""Calls over restarts, and over stores and phones that fail: what was saved goes on."""

import logging
from collections.abc import Sequence

import pytest

from callpark.flows.channels.phone import Manner
from callpark.flows.contact import Collecting, from_bytes
from callpark.flows.custody import TABLE
from callpark.flows.happenings import ContactEnded, WaitEnded
from callpark.flows.service import FLOW_GONE, PHONE_GONE
from callpark.kernel.clock import VirtualClock
from callpark.store.memory import MemoryFaults, MemoryStore
from callpark.store.ports import Row
from tests.flows.building import definition, hang_up
from tests.flows.exchange import Office
from tests.flows.patterns import DELAY, PATTERN, until_waiting

pytestmark = pytest.mark.sim


def still_to_press(saved: Sequence[Row]) -> str:
    """What a caller who knows how far the call got still has to key of 3#."""
    for row in saved:
        contact = from_bytes(row.value)
        if contact.memory.stored_input is not None:
            return ""
        if isinstance(contact.activity, Collecting) and contact.activity.digits:
            return "#"
    return "3#"


@pytest.mark.parametrize("crash_after", [0.0, 1.0, 3.0, 4.5, 5.0, 6.1, 7.0, 7.8, 7.9, 9.0])
@pytest.mark.parametrize("delay_seconds", [0.0, 0.3])
async def test_a_crash_at_any_time_loses_nothing(clock: VirtualClock, crash_after: float, delay_seconds: float) -> None:
    """The call goes on where it was saved; keys that were not yet pressed are pressed afterwards."""
    store = MemoryStore(clock, MemoryFaults(seed=int(crash_after * 10), delay_seconds=delay_seconds))
    office = Office(clock, [PATTERN], {"F": DELAY}, store=store)
    phone = office.phone("3#")
    office.flows.start_call("flow", phone)
    await clock.advance(crash_after)
    await clock.settle()
    saved = await store.scan(TABLE)
    after = office.restarted()
    await office.flows.close()
    again = after.phone(still_to_press(saved))
    await after.flows.start(lambda contact: again)
    await clock.advance(200)
    if not saved:  # its first save was still on the way, nobody had heard anything
        assert phone.heard_texts == []
        return
    assert again.end == "CONTACT_FLOW_DISCONNECT"
    assert [*phone.heard_texts, *again.heard_texts][-1] == "Your request is done."
    assert await after.store.scan(TABLE) == []
    assert len(after.runner.runs) <= 1
    ran = [*office.runner.runs, *after.runner.runs]
    assert ran
    assert {run[1]["SecondsDelay"] for run in ran} == {"3"}
    assert len({run[2] for run in ran}) == 1


async def test_a_parked_contact_survives_a_crash_and_its_function_runs_again(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], {"F": DELAY})
    contact_id = await until_waiting(office)
    await clock.advance(10)
    before = office.flows.contacts()[0]
    after = office.restarted()
    await office.flows.close()
    phone = after.phone()
    await after.flows.start(lambda contact: phone)
    assert after.flows.contacts() == [before]
    await clock.advance(100)
    (run,) = after.runner.runs
    assert run[1:3] == ({"SecondsDelay": "30"}, office.runner.runs[0][2])
    assert phone.heard_texts == ["Your request is done."]
    assert [h.branch for h in after.happenings(contact_id) if isinstance(h, WaitEnded)] == ["LambdaReturned"]
    assert await after.store.scan(TABLE) == []


async def test_a_function_run_again_has_only_the_time_that_was_left(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], {"F": DELAY})
    await until_waiting(office, "50")
    deadline = next(iter(office.flows.contacts()[0].invocations.values())).deadline
    await clock.advance(20)
    after = office.restarted()
    await office.flows.close()
    phone = after.phone()
    await after.flows.start(lambda contact: phone)
    await clock.advance(100)
    assert phone.heard_texts == ["This took too long."]
    ended = next(entry for entry in after.trace.entries() if isinstance(entry.happening, WaitEnded))
    assert ended.at == deadline


async def test_a_limit_that_passed_meanwhile_fires_soon_after_the_restart(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], {"F": DELAY})
    await until_waiting(office)
    after = office.restarted()
    await office.flows.close()
    await clock.advance(1000)
    phone = after.phone()
    await after.flows.start(lambda contact: phone)
    await clock.settle()
    assert phone.heard_texts[-1] == "This took too long."
    assert after.runner.runs == []


async def test_a_contact_whose_phone_is_gone_is_hung_up(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], {"F": DELAY})
    contact_id = await until_waiting(office)
    after = office.restarted()
    await office.flows.close()
    await after.flows.start()
    await clock.settle()
    assert [h for h in after.happenings(contact_id) if isinstance(h, ContactEnded)] == [
        ContactEnded(contact_id, "OTHER", PHONE_GONE)
    ]
    assert await after.store.scan(TABLE) == []


async def test_keys_can_go_on_after_a_restart(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], {"F": DELAY})
    office.flows.start_call("flow", office.phone("2", Manner(between=100)))
    while not (office.flows.contacts()[0].activity and "digits='2'" in repr(office.flows.contacts()[0].activity)):
        await clock.advance(0.1)
    after = office.restarted()
    await office.flows.close()
    phone = after.phone("0")
    await after.flows.start(lambda contact: phone)
    await clock.advance(60)
    assert after.runner.runs[0][1] == {"SecondsDelay": "20"}


@pytest.mark.filterwarnings("ignore")
async def test_a_contact_whose_flow_changed_is_ended_and_named(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    office = Office(clock, [PATTERN], {"F": DELAY})
    contact_id = await until_waiting(office)
    store = office.store.crash()
    await office.flows.close()
    with caplog.at_level(logging.WARNING, "callpark"):
        after = Office(clock, [definition(hang_up())], store=store)
        await after.flows.start(lambda contact: after.phone())
    assert "gone or has changed" in caplog.text
    assert after.happenings(contact_id) == [ContactEnded(contact_id, "OTHER", FLOW_GONE)]
    assert await store.scan(TABLE) == []


async def test_every_parked_state_is_what_the_store_holds(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], {"F": DELAY})
    office.flows.start_call("flow", office.phone("5#"))
    for _ in range(40):
        await clock.advance(0.5)
        rows = await office.store.scan(TABLE)
        assert [from_bytes(row.value) for row in rows] == list(office.flows.contacts())


async def test_effects_come_after_the_save(clock: VirtualClock) -> None:
    """On a slow disk everything is later, nothing is lost or out of order."""
    store = MemoryStore(clock, MemoryFaults(seed=3, delay_seconds=0.5, reorder=True))
    call = await Office(clock, [PATTERN], {"F": DELAY}, store=store).call("3#")
    assert call.heard[-1] == "Your request is done."
    assert call.timeline.seconds_of_silence > 0  # the caller waits for the disk


async def test_nothing_is_heard_from_a_process_that_has_closed(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], store=MemoryStore(clock, MemoryFaults(delay_seconds=5.0)))
    phone = office.phone()
    call = office.flows.start_call("flow", phone)
    await clock.settle()
    await office.flows.close()
    await clock.advance(60)
    assert phone.heard_texts == []
    assert call.ended.cancelled()
    assert list(office.trace.entries()) == []


async def test_a_contact_that_cannot_be_saved_is_let_go(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore(clock, MemoryFaults(failures=1.0))
    office = Office(clock, [PATTERN], {"F": DELAY}, store=store)
    call = await office.call("3#")
    assert (call.end.reason, call.end.detail) == ("OTHER", "the contact could not be saved")
    assert call.heard == []
    assert call.phone.end == "OTHER"
    assert "could not be saved" in caplog.text
    await clock.settle()
    assert "stays in the store, a restart will end it: the disk is full" in caplog.text
    caplog.clear()


async def test_a_phone_that_breaks_does_not_hang_the_exchange(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    office = Office(clock, [PATTERN], {"F": DELAY})
    phone = office.phone("3#")

    def broken(text: str, at: float, seconds: float) -> None:
        raise RuntimeError("no loudspeaker")

    phone.heard = broken  # type: ignore[method-assign]
    call = office.flows.start_call("flow", phone)
    end = await clock.run_until(call.ended)
    assert end.reason == "OTHER"
    await clock.settle()
    assert await office.store.scan("contacts") == []
    assert "an effect failed" in caplog.text
    caplog.clear()
    assert (await office.call("3#")).heard[-1] == "Your request is done."
