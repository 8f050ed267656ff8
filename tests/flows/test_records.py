"""Ended contacts and stories: kept in the commit that ends a contact, across crashes, within bounds."""

import asyncio

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.flows import custody, records, story
from callpark.flows.calls import Wanted
from callpark.flows.contact import Contact, Invocation, Memory, Party, from_bytes
from callpark.flows.contact_record import contact_record, line, state_of
from callpark.flows.declared import Agent, Declared, Queue
from callpark.flows.effects import Say
from callpark.flows.happenings import (
    ActionEntered,
    ContactEnded,
    ContactStarted,
    FlowLogged,
    Spoken,
    StageEntered,
    ViewShown,
)
from callpark.flows.model import InstanceDefinition
from callpark.flows.prompts import Prompt
from callpark.flows.records import as_record
from callpark.flows.service import FLOW_GONE, PHONE_GONE
from callpark.flows.timeline import timeline
from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.trace import Entry
from callpark.store.memory import MemoryFaults, MemoryStore
from callpark.store.ports import SetRow
from tests.flows.building import ASYNCHRONOUS, INSTANCE_ARN, action, definition, flow_arn, hang_up, say
from tests.flows.exchange import Office, takes

pytestmark = pytest.mark.sim

PATTERN = definition(*ASYNCHRONOUS)
HELLO = definition(say("hello", "Hello there.", "bye"), hang_up())
PARTY = Party("c", INSTANCE_ARN, "us-east-1", "+441632960001", "+441632960000", 100.0, flow_arn=flow_arn("flow"))


async def test_an_ended_contact_is_kept_with_what_happened(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], {"F": takes(3, {"secret": "answer"})})
    call = await office.call("3#")
    assert office.flows.contacts() == []
    contact = office.flows.contact(call.contact_id)
    assert contact is not None
    assert contact.ended == call.end
    assert contact.ended_at == call.timeline.end
    drawn = timeline(await office.flows.story(call.contact_id))
    assert drawn == call.timeline
    (function,) = drawn.functions
    assert (function.name, function.outcome, (function.end or 0) - function.start) == ("F", "succeeded", 3)
    assert [(block.action, block.result, block.edge) for block in drawn.blocks] == [
        ("log", "", "NextAction"),
        ("hello", "", "NextAction"),
        ("ask", "", "NextAction"),
        ("invoke", "", "NextAction"),
        ("wait", "LambdaReturned", "condition 1"),
        ("please wait", "", "NextAction"),
        ("music", "", ""),
        ("load", "", "NextAction"),
        ("done", "", "NextAction"),
        ("bye", "", ""),
    ]
    assert [block.action for block in drawn.blocks if block.branch] == ["please wait", "music"]
    waited = next(block for block in drawn.blocks if block.action == "wait")
    assert waited.seconds == pytest.approx(3)


async def test_what_connect_leaves_out_of_records_is_not_kept(clock: VirtualClock) -> None:
    """$.External, $.StoredCustomerInput and flow attributes (reference §6.2)."""
    office = Office(clock, [PATTERN], {"F": takes(3, {"secret": "answer"})})
    call = await office.call("3#")
    (row,) = await office.store.scan(records.TABLE)
    assert b"secret" not in row.value
    kept = from_bytes(row.value)
    assert kept.memory.stored_input is None
    assert [invocation.state for invocation in kept.invocations.values()] == ["succeeded"]
    assert row.key == call.contact_id


async def test_records_and_stories_outlive_the_process(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], {"F": takes(3)})
    call = await office.call("3#")
    again = office.restarted()
    await again.flows.start()
    contact = again.flows.contact(call.contact_id)
    assert contact == office.flows.contact(call.contact_id)
    assert timeline(await again.flows.story(call.contact_id)) == call.timeline


@pytest.mark.parametrize("crash_after", [0.1, 3, 6, 9, 12, 15, 20, 40])
async def test_the_record_is_there_from_the_commit_that_ends_the_contact(
    clock: VirtualClock, crash_after: float
) -> None:
    """Whenever the process dies: the contact is open or it is in the records, never both, never neither."""
    office = Office(clock, [PATTERN], {"F": takes(5)})
    call = office.flows.start_call("flow", office.phone("3#"))
    await clock.advance(crash_after)
    again = office.restarted()
    open_rows = {row.key for row in await again.store.scan(custody.TABLE)}
    ended_rows = {row.key for row in await again.store.scan(records.TABLE)}
    assert open_rows ^ ended_rows == {call.contact_id}
    await again.flows.start()
    await clock.settle()
    contact = again.flows.contact(call.contact_id)
    assert contact is not None
    assert contact.ended is not None
    told = await again.flows.story(call.contact_id)
    assert isinstance(told[0].happening, ContactStarted)
    assert isinstance(told[-1].happening, ContactEnded)
    assert sum(isinstance(entry.happening, ContactEnded) for entry in told) == 1
    assert [entry.at for entry in told] == sorted(entry.at for entry in told)
    if open_rows:
        assert contact.ended.detail == PHONE_GONE


async def test_a_contact_whose_flow_is_gone_ends_in_the_records_too(clock: VirtualClock) -> None:
    office = Office(clock, [PATTERN], {"F": takes(5)})
    call = office.flows.start_call("flow", office.phone("3#"))
    await clock.advance(9)
    again = office.restarted()
    again.flows.apply(InstanceDefinition(arn=INSTANCE_ARN), [], [])
    await again.flows.start()
    contact = again.flows.contact(call.contact_id)
    assert contact is not None
    assert contact.ended is not None
    assert contact.ended.detail == FLOW_GONE
    assert await again.store.scan(custody.TABLE) == []
    assert again.flows.find_contacts(Wanted(flow=flow_arn("flow"))) == [contact]


async def test_our_own_failure_is_a_record_as_well(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    office = Office(clock, [HELLO])
    phone = office.phone()

    def broken(text: str, at: float, seconds: float) -> None:
        raise RuntimeError("no loudspeaker")

    phone.heard = broken  # type: ignore[method-assign]
    call = office.flows.start_call("flow", phone)
    await clock.run_until(call.ended)
    await clock.settle()
    caplog.clear()
    contact = office.flows.contact(call.contact_id)
    assert contact is not None
    assert contact.ended is not None
    assert contact.ended.reason == "OTHER"
    assert {row.key for row in await office.store.scan(records.TABLE)} == {call.contact_id}


async def test_the_number_of_records_is_bounded_and_stories_go_with_them(clock: VirtualClock) -> None:
    office = Office(clock, [HELLO], limits=ConnectLimits(kept_contacts=3))
    calls = [(await office.call()).contact_id for _ in range(5)]
    assert {row.key for row in await office.store.scan(records.TABLE)} == set(calls[2:])
    assert {row.key.partition("/")[0] for row in await office.store.scan(story.TABLE)} == set(calls[2:])
    assert office.flows.contact(calls[0]) is None
    assert [contact.id for contact in office.flows.find_contacts(Wanted())] == calls[2:]


async def test_the_bytes_of_records_are_bounded(clock: VirtualClock) -> None:
    office = Office(clock, [HELLO], limits=ConnectLimits(kept_contact_bytes=2_000))
    for _ in range(20):
        await office.call()
    rows = [*await office.store.scan(records.TABLE), *await office.store.scan(story.TABLE)]
    assert 0 < sum(len(row.value) for row in rows) <= 2_000


async def test_one_record_larger_than_the_bound_is_not_kept(clock: VirtualClock) -> None:
    office = Office(clock, [HELLO], limits=ConnectLimits(kept_contact_bytes=10))
    call = await office.call()
    assert await office.store.scan(records.TABLE) == []
    assert await office.store.scan(story.TABLE) == []
    assert office.flows.contact(call.contact_id) is None


async def test_records_have_an_age(clock: VirtualClock) -> None:
    office = Office(clock, [HELLO], limits=ConnectLimits(contact_retention_seconds=60))
    old = (await office.call()).contact_id
    await clock.advance(59)
    assert office.flows.contact(old) is not None
    await clock.advance(2)
    assert office.flows.contact(old) is None
    assert office.flows.find_contacts(Wanted()) == []
    again = office.restarted()
    await again.flows.start()
    assert await again.store.scan(records.TABLE) == []
    assert await again.store.scan(story.TABLE) == []


async def test_a_story_that_gets_too_long_ends_and_says_so(clock: VirtualClock) -> None:
    flow = definition(say("hello", "Hello there.", "again"), say("again", "Hello again.", "hello"))
    office = Office(clock, [flow], limits=ConnectLimits(story_bytes=1_000, actions_per_contact=200))
    call = await office.call()
    contact = office.flows.contact(call.contact_id)
    assert contact is not None
    assert contact.page_bytes >= 1_000
    rows = await office.store.scan(story.TABLE)
    assert sum(len(row.value) for row in rows) == contact.page_bytes
    assert contact.page_bytes < 1_000 + max(len(row.value) for row in rows)
    assert not any(isinstance(entry.happening, ContactEnded) for entry in await office.flows.story(call.contact_id))


async def test_a_record_of_another_version_is_named_and_dropped(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    office = Office(clock, [HELLO])
    await office.call()
    (row,) = await office.store.scan(records.TABLE)
    store = office.store
    await store.commit([SetRow(records.TABLE, row.key, b"\x00")])
    again = office.restarted()
    await again.flows.start()
    assert "was written by another version" in caplog.text
    caplog.clear()
    assert again.flows.find_contacts(Wanted()) == []
    assert await again.store.scan(records.TABLE) == []
    assert await again.store.scan(story.TABLE) == []


async def test_nothing_is_left_of_an_open_contact_of_another_version(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    office = Office(clock, [PATTERN], {"F": takes(30)})
    call = office.flows.start_call("flow", office.phone("3#"))
    await clock.advance(12)
    await office.flows.close()
    await office.store.commit([SetRow(custody.TABLE, call.contact_id, b"\x00")])
    again = office.restarted()
    await again.flows.start()
    assert "was saved by another version" in caplog.text
    caplog.clear()
    for table in (custody.TABLE, records.TABLE, story.TABLE):
        assert await again.store.scan(table) == []


@pytest.mark.parametrize("seed", range(6))
async def test_on_a_disk_that_fails_now_and_then_no_contact_is_in_two_places(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    """What could not be saved is let go; what the disk still holds of it, the next start takes up and ends."""
    faults = MemoryFaults(seed=seed, failures=0.2, delay_seconds=0.05, reorder=False)
    office = Office(clock, [PATTERN], {"F": takes(3)}, store=MemoryStore(clock, faults))
    calls = [office.flows.start_call("flow", office.phone("3#")) for _ in range(10)]
    await clock.run_until(asyncio.gather(*(call.ended for call in calls)))
    await clock.settle()
    caplog.clear()
    store = office.store.crash()
    stayed = {row.key for row in await store.scan(custody.TABLE)}
    ended = {row.key for row in await store.scan(records.TABLE)}
    assert stayed.isdisjoint(ended)
    for call in calls:
        kept = office.flows.contact(call.contact_id)
        assert kept is not None
        assert kept.ended is not None


# Which contacts


async def test_finding_contacts(clock: VirtualClock) -> None:
    quick = definition(say("hello", "Hello there.", "bye"), hang_up(), name="quick")
    office = Office(clock, [PATTERN, quick], {"F": takes(30)})
    ended = (await office.call(to="quick")).contact_id
    await clock.advance(100)
    waiting = office.flows.start_call("flow", office.phone("3#")).contact_id
    await clock.advance(12)

    def ids(**wanted: object) -> list[str]:
        return [contact.id for contact in office.flows.find_contacts(msgspec.convert(wanted, Wanted))]

    assert ids() == [waiting, ended]
    assert ids(state="open") == ids(state="waiting") == [waiting]
    assert ids(state="ended") == [ended]
    assert ids(state="queued") == []
    assert ids(flow="quick") == ids(flow=flow_arn("quick")) == [ended]
    assert ids(flow="nowhere") == []
    assert ids(since=clock.now() - 20) == [waiting]
    assert ids(since=clock.now() - 200) == [waiting, ended]


async def test_queue_and_agent_in_the_record(clock: VirtualClock) -> None:
    """Enqueued, taken after three seconds, held once for two, gone after ten."""
    declared = Declared(
        queues=(Queue(name="Support", agents=("alice",)),),
        agents=(Agent(name="alice", arn="arn:alice", answers_after=3.0, talks=10.0, hold_after=4.0, hold_seconds=2.0),),
    )
    target = action(
        "queue", "UpdateContactTargetQueue", {"QueueId": "Support"}, "go", errors={"NoMatchingError": "bye"}
    )
    go = action("go", "TransferContactToQueue", {}, "bye", errors={"NoMatchingError": "bye", "QueueAtCapacity": "bye"})
    instance = InstanceDefinition(arn=INSTANCE_ARN, all_functions=True, declared=declared)
    office = Office(clock, [definition(target, go, hang_up())], instance=instance)
    call = office.flows.start_call("flow", office.phone())
    await clock.advance(1)
    (queued,) = office.flows.contacts()
    assert state_of(queued) == "queued"
    await clock.run_until(call.ended)
    contact = office.flows.contact(call.contact_id)
    assert contact is not None
    record = contact_record(contact, await office.flows.story(call.contact_id))
    queue, agent = record["Queue"], record["Agent"]
    assert isinstance(queue, dict)
    assert isinstance(agent, dict)
    assert (queue["Name"], queue["Duration"]) == ("Support", 3)
    assert agent["Username"] == "alice"
    assert agent["ARN"] == "arn:alice"
    assert (agent["NumberOfHolds"], agent["CustomerHoldDuration"], agent["LongestHoldDuration"]) == (1, 2, 2)
    assert agent["AgentInteractionDuration"] == pytest.approx(8, abs=1)
    assert record["DisconnectReason"] == "AGENT_DISCONNECT"


# The pure parts


def test_the_record_of_a_plain_call() -> None:
    contact = Contact(PARTY, flow_arn("flow"), "a", Memory(attributes={"tier": "gold"}))
    assert contact_record(contact, []) == {
        "AWSAccountId": "123456789012",
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "ContactId": "c",
        "InstanceARN": INSTANCE_ARN,
        "Channel": "VOICE",
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "1970-01-01T00:01:40.000Z",
        "ConnectedToSystemTimestamp": "1970-01-01T00:01:40.000Z",
        "CustomerEndpoint": {"Address": "+441632960001", "Type": "TELEPHONE_NUMBER"},
        "SystemEndpoint": {"Address": "+441632960000", "Type": "TELEPHONE_NUMBER"},
        "Attributes": {"tier": "gold"},
        "SegmentAttributes": {
            "connect:Subtype": {"ValueString": "connect:Telephony"},
            "connect:Direction": {"ValueString": "INBOUND"},
        },
    }


@pytest.mark.parametrize(
    ("changes", "state"),
    [({}, "in-flow"), ({"timers": (("beginning", 200.0),)}, "scheduled")],
)
def test_states(changes: dict[str, object], state: str) -> None:
    contact = msgspec.structs.replace(Contact(PARTY, flow_arn("flow"), "a"), **changes)
    assert state_of(contact) == state
    assert line(contact, lambda arn: arn.rsplit("/", 1)[-1]).flow == "flow"


def test_invocations_are_kept_without_payload_and_result() -> None:
    invocation = Invocation("i", "arn", 1.0, 9.0, True, "JSON", b"payload", "succeeded", {"a": 1})
    contact = Contact(PARTY, "flow", "a", invocations={"i": invocation})
    (kept,) = as_record(contact).invocations.values()
    assert (kept.payload, kept.result, kept.state) == (b"", None, "succeeded")


TOLD = st.lists(
    st.one_of(
        st.builds(ContactStarted, st.just("c"), st.text(), st.none() | st.text(), st.none()),
        st.builds(ActionEntered, st.just("c"), st.text(), st.text(), st.booleans(), st.text()),
        st.builds(Spoken, st.just("c"), st.text(), st.text(), st.floats(0, 9), st.integers(0, 9)),
        st.builds(StageEntered, st.just("c"), st.text(), st.text(), st.text()),
        st.builds(ViewShown, st.just("c"), st.text(), st.dictionaries(st.text(), st.integers(0, 9))),
    ),
    max_size=5,
)


@given(st.lists(TOLD, max_size=4))
def test_a_story_is_read_as_it_was_written(turns: list[list[ContactStarted]]) -> None:
    pages = [story.page([*turn, Say(Prompt("text", "x"), "x", 1.0)], float(at)) for at, turn in enumerate(turns)]
    found = story.entries("c", [page for page in pages if page is not None])
    assert [(entry.at, entry.happening) for entry in found] == [
        (float(at), happening) for at, turn in enumerate(turns) for happening in turn
    ]


def test_the_flow_log_is_not_in_the_story() -> None:
    assert story.page([FlowLogged("c", {"a": 1})], 1.0) is None


def test_what_another_version_wrote_is_left_out() -> None:
    page = msgspec.msgpack.encode((1.0, [["Unheard", 1], ["SpeechStopped"], ["KeyTaken"]]))
    assert [type(entry.happening).__name__ for entry in story.entries("c", [page])] == ["SpeechStopped"]


def test_entries_are_numbered() -> None:
    page = story.page([ContactEnded("c", "OTHER", ""), ContactEnded("c", "OTHER", "")], 2.0)
    assert page is not None
    assert story.entries("c", [page])[1] == Entry(2, 2.0, ContactEnded("c", "OTHER", ""))
