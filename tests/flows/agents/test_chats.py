"""Chats through an agent: both hear each other by the participant service, and the transcript has it."""

import pytest

from callpark.flows.agents.notes import Connected, Heard, Held, Left, Offered, Resumed
from callpark.flows.agents.panel import Panel
from callpark.flows.chat.model import TEXT
from callpark.flows.chat.requests import NewChat
from callpark.flows.chat.service import Seat
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError, ProjectError
from tests.flows.agents.centre import Centre

pytestmark = pytest.mark.sim


async def opened(clock: VirtualClock) -> Centre:
    centre = Centre(clock)
    await centre.chats.start()
    return centre


async def customer_of(centre: Centre, flow: str = "line") -> tuple[str, Seat]:
    """A chat whose customer has connected."""
    begun = await centre.clock.run_until(centre.chats.begin(NewChat(flow, "Grace", {})))
    seat = centre.chats.admit(begun.participant_token)
    seat.room.connect(seat.participant)
    return begun.contact_id, seat


async def taken(centre: Centre, panel: Panel) -> str:
    """Accept what rings; the agent's participant token."""
    offered = await centre.clock.run_until(panel.next(Offered))
    await panel.accept(offered.contact_id)
    return (await centre.clock.run_until(panel.next(Connected))).participant_token


async def lines(centre: Centre, seat: Seat) -> list[tuple[str, str]]:
    """Who said what."""
    items = await centre.clock.run_until(seat.room.transcript())
    return [
        (item.author.role if item.author else "", item.content or item.content_type.rpartition("event.")[2])
        for item in items
    ]


async def test_a_chat_goes_from_flow_to_queue_to_agent_to_hold_to_another_agent_to_its_end(
    clock: VirtualClock,
) -> None:
    centre = await opened(clock)
    alice, bob = centre.agents.sit("alice"), centre.agents.sit("bob")
    await alice.set_status("Available")
    await bob.set_status("Available")
    contact_id, grace = await customer_of(centre)
    await taken(centre, alice)
    await clock.run_until(centre.chats.send(grace, TEXT, "Hello", ""))
    heard = await clock.run_until(alice.next(Heard))
    while heard.who != "customer":
        heard = await clock.run_until(alice.next(Heard))
    assert heard.text == "Hello"
    await alice.say(contact_id, "Good morning, Grace")
    await clock.advance(20)
    await alice.hold(contact_id)
    await clock.run_until(alice.next(Held))
    await clock.advance(40)
    await alice.resume(contact_id)
    await clock.run_until(alice.next(Resumed))
    record = centre.record(contact_id)
    assert (record["Agent"]["Username"], record["Agent"]["CustomerHoldDuration"]) == ("alice", 40)
    await alice.transfer(contact_id, "To billing")
    await taken(centre, bob)
    assert (await clock.run_until(alice.next(Left))).why == "transferred"
    with pytest.raises(ProjectError, match="is not yours"):
        await alice.say(contact_id, "I am gone")
    await bob.say(contact_id, "Billing here")
    await bob.hang_up(contact_id)
    assert (await clock.run_until(bob.next(Left))).why == "AGENT_DISCONNECT"
    told = await lines(centre, grace)
    assert [line for line in told if line[0] != "SYSTEM"] == [
        ("CUSTOMER", "participant.joined"),
        ("AGENT", "participant.joined"),
        ("CUSTOMER", "Hello"),
        ("AGENT", "Good morning, Grace"),
        ("AGENT", "participant.left"),
        ("AGENT", "participant.joined"),
        ("AGENT", "Billing here"),
        ("AGENT", "participant.left"),
        ("CUSTOMER", "participant.left"),
        ("", "chat.ended"),
    ]
    assert ("SYSTEM", "I put you through.") in told


async def test_the_agents_token_is_a_participants_and_dies_with_the_part_in_the_chat(clock: VirtualClock) -> None:
    centre = await opened(clock)
    alice = centre.agents.sit("alice")
    await alice.set_status("Available")
    contact_id, grace = await customer_of(centre)
    token = await taken(centre, alice)
    seat = centre.chats.admit(token)
    assert (seat.participant.role, seat.participant.display_name) == ("AGENT", "alice")
    connection = centre.chats.connection(seat)
    item = await clock.run_until(centre.chats.send(centre.chats.seat(connection.token), TEXT, "By my own client", "t1"))
    assert item.author == seat.participant
    again = await clock.run_until(
        centre.chats.send(centre.chats.seat(connection.token), TEXT, "By my own client", "t1")
    )
    assert again.id == item.id
    await clock.run_until(seat.room.leave(seat.participant))
    assert (await clock.run_until(alice.next(Left))).why == "AGENT_DISCONNECT"
    with pytest.raises(CallerError):
        centre.chats.seat(connection.token)
    assert contact_id == grace.contact.id


async def test_an_agent_has_as_many_chats_at_once_as_the_profile_says(clock: VirtualClock) -> None:
    centre = await opened(clock)
    alice = centre.agents.sit("alice", auto_accept=True)
    await alice.set_status("Available")
    ids = [(await customer_of(centre))[0] for _ in range(3)]
    await clock.advance(5)
    assert [centre.contact(id_).desk is not None and _stage(centre, id_) for id_ in ids] == [
        "connected",
        "connected",
        "queued",
    ]
    call = centre.flows.start_call("line", centre.phone())
    await clock.advance(5)
    assert _stage(centre, call.contact_id) == "queued"  # a chat keeps calls away
    await alice.say(ids[1], "You first")
    await alice.hang_up(ids[1])
    await clock.run_until(alice.next(Left))
    await alice.clear(ids[1])
    await clock.advance(5)
    assert _stage(centre, ids[2]) == "connected"


def _stage(centre: Centre, contact_id: str) -> str:
    desk = centre.contact(contact_id).desk
    return "" if desk is None else desk.stage


async def test_a_chat_with_an_agent_survives_kill_9(clock: VirtualClock) -> None:
    centre = await opened(clock)
    alice = centre.agents.sit("alice")
    await alice.set_status("Available")
    contact_id, grace = await customer_of(centre)
    token = await taken(centre, alice)
    await alice.say(contact_id, "One")
    again = await centre.reopened()
    panel = again.agents.sit("alice")
    assert again.chats.admit(token).participant.display_name == "alice"
    await panel.say(contact_id, "Two")
    seat = again.chats.admit(token)
    assert [line for line in await lines(again, seat) if line[0] == "AGENT"] == [
        ("AGENT", "participant.joined"),
        ("AGENT", "One"),
        ("AGENT", "Two"),
    ]
    assert grace.participant.role == "CUSTOMER"


async def test_too_much_at_once_is_refused(clock: VirtualClock) -> None:
    centre = await opened(clock)
    alice = centre.agents.sit("alice")
    await alice.set_status("Available")
    contact_id, _ = await customer_of(centre)
    await taken(centre, alice)
    with pytest.raises(ProjectError, match="characters"):
        await alice.say(contact_id, "x" * 100_000)
