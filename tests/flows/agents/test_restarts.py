"""What agents have, and what they have not cleared, after a restart, and when somebody else sits down."""

import msgspec
import pytest

from callpark.flows.agents.notes import Connected, Heard, Left, Note, Offered, Seated
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import ProjectError
from tests.flows.agents.centre import Centre, on_duty, states, talking

pytestmark = pytest.mark.sim


@pytest.mark.parametrize("stage", ["queued", "ringing", "held"])
async def test_kill_9_loses_nobody(clock: VirtualClock, stage: str) -> None:
    centre = Centre(clock)
    if stage == "queued":
        call = centre.flows.start_call("line", centre.phone())
        await clock.advance(3)
    else:
        (alice,) = await on_duty(centre, "alice")
        call = centre.flows.start_call("line", centre.phone())
        await clock.run_until(alice.next(Offered))
        if stage == "held":
            await alice.accept(call.contact_id)
            await clock.run_until(alice.next(Connected))
            await alice.hold(call.contact_id)
            await clock.advance(15)
    before = centre.contact(call.contact_id)
    again = await centre.reopened()
    after = again.contact(call.contact_id)
    assert msgspec.structs.replace(after, pages=0, page_bytes=0) == msgspec.structs.replace(
        before, pages=0, page_bytes=0
    )
    alice = again.agents.sit("alice")
    if stage == "queued":
        await alice.set_status("Available")
    if stage != "held":  # her status was kept
        if stage == "queued":
            await clock.run_until(alice.next(Offered))
        await alice.accept(call.contact_id)
        await clock.run_until(alice.next(Connected))
        return
    assert states(list(alice.view.contacts)) == ["CONNECTED_ONHOLD"]
    told: list[Note] = alice.notes
    await clock.advance(12)
    assert [note.text for note in told if isinstance(note, Heard)] == ["You are on hold."]  # her leg goes on
    await alice.resume(call.contact_id)
    await alice.hang_up(call.contact_id)
    await clock.run_until(alice.next(Left))


@pytest.mark.parametrize("cleared", [True, False])
async def test_what_is_not_cleared_survives_a_restart(clock: VirtualClock, cleared: bool) -> None:
    centre = Centre(clock)
    (alice,) = await on_duty(centre, "alice")
    call = await talking(centre, alice)
    await alice.hang_up(call.contact_id)
    await clock.run_until(alice.next(Left))
    again = await centre.reopened()
    assert states(again.seen("alice")) == ["ENDED"]
    waiting = again.flows.start_call("line", again.phone())
    panel = again.agents.sit("alice")
    await clock.advance(5)
    await (panel.clear(call.contact_id) if cleared else panel.set_status("Available"))
    assert (await clock.run_until(panel.next(Offered))).contact_id == waiting.contact_id


async def test_who_sits_down_takes_up_what_the_agent_has(clock: VirtualClock) -> None:
    centre = Centre(clock)
    (alice,) = await on_duty(centre, "alice")
    call = await talking(centre, alice)
    alice.close()
    with centre.agents.sit("alice") as other:
        assert other.notes[0] == Seated(other.view, clock.now())
        await other.hang_up(call.contact_id)
        await clock.run_until(call.ended)
    with pytest.raises(ProjectError, match="there is no agent 'nobody'"):
        centre.agents.sit("nobody")
