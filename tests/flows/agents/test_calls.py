"""Calls with agents whom somebody plays, whole, on virtual time: ringing, hold, transfer, the end, restarts."""

import pytest

from callpark.flows.agents.notes import Connected, Heard, Held, Left, Offered, Resumed, Transferring
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import ProjectError
from tests.flows.agents.centre import Centre

pytestmark = pytest.mark.sim


async def test_a_call_goes_from_flow_to_queue_to_agent_to_hold_to_another_agent_to_its_end(
    clock: VirtualClock,
) -> None:
    centre = Centre(clock)
    alice, bob = centre.agents.sit("alice"), centre.agents.sit("bob")
    await alice.set_status("Available")
    await bob.set_status("Available")
    call = centre.flows.start_call("line", phone := centre.phone())
    offered = await clock.run_until(alice.next(Offered))
    assert (offered.contact_id, offered.queue, offered.seconds) == (call.contact_id, "Support", 20.0)
    await clock.advance(5)
    await alice.accept(call.contact_id)
    await clock.run_until(alice.next(Connected))
    await alice.say(call.contact_id, "Good morning")
    assert phone.heard_texts[-1] == "Good morning"
    await clock.advance(30)
    await alice.hold(call.contact_id)
    await clock.run_until(alice.next(Held))
    assert (await clock.run_until(alice.next(Heard))).text == "You are on hold."
    assert phone.heard_texts[-1] == "[recording CustomerHold.wav]"
    with pytest.raises(ProjectError, match="on hold"):
        await alice.say(call.contact_id, "They do not hear this")
    await clock.advance(25)
    await alice.resume(call.contact_id)
    await clock.run_until(alice.next(Resumed))
    await clock.advance(5)
    await alice.transfer(call.contact_id, "To billing")
    await clock.run_until(alice.next(Transferring))
    await clock.run_until(bob.next(Offered))
    assert (await clock.run_until(alice.next(Left))).why == "transferred"
    await bob.accept(call.contact_id)
    await clock.run_until(bob.next(Connected))
    await clock.advance(12)
    await bob.hang_up(call.contact_id)
    end = await clock.run_until(call.ended)
    assert end.reason == "AGENT_DISCONNECT"
    assert centre.stages(call.contact_id) == [
        ("queued", ""),
        ("agent_whisper", "alice"),
        ("customer_whisper", "alice"),
        ("connected", "alice"),
        ("customer_hold", "alice"),
        ("connected", "alice"),
        ("transferring", "alice"),
        ("queued", ""),
        ("agent_whisper", "bob"),
        ("customer_whisper", "bob"),
        ("connected", "bob"),
    ]
    record = centre.record(call.contact_id)
    assert isinstance(record["Agent"], dict)
    assert record["Agent"]["Username"] == "bob"
