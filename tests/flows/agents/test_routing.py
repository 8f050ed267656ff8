"""Who is offered what: the rules of routing by name, and what holds for any crowd."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.flows.agents.criteria import Step, read_criteria, step_after
from callpark.flows.agents.routing import (
    Concurrency,
    Member,
    Offer,
    QueueMetrics,
    Served,
    Waiting,
    lined_up,
    metrics,
    next_look,
    next_offers,
)
from callpark.flows.contact import Target

pytestmark = pytest.mark.unit

Q, R = Target("arn:q", "Q"), Target("arn:r", "R")
BOTH = (Served("arn:q"), Served("arn:r"))
ALICE = Member("alice", "arn:alice", BOTH)
BOB = Member("bob", "arn:bob", (Served("arn:r"),))


def waits(contact_id: str, queue: Target = Q, since: float = 0.0, priority: int = 5, channel: str = "VOICE") -> Waiting:
    return Waiting(contact_id, queue, since, priority, channel)


def offers(members: list[Member], *waiting: Waiting, now: float = 100.0) -> list[tuple[str, str]]:
    return [(offer.contact_id, offer.agent) for offer in next_offers(members, lined_up(waiting), now)]


def but(member: Member, **changes: object) -> Member:
    return dataclasses.replace(member, **changes)  # type: ignore[arg-type]


def test_the_oldest_comes_first() -> None:
    assert offers([ALICE], waits("young", since=9), waits("old", since=1)) == [("old", "alice")]


def test_a_contact_of_higher_priority_comes_before_an_older_one() -> None:
    assert offers([ALICE], waits("urgent", since=9, priority=1), waits("old", since=1)) == [("urgent", "alice")]


def test_the_priority_of_the_queue_in_the_profile_comes_before_that_of_the_contact() -> None:
    picky = but(ALICE, serves=(Served("arn:q", 2), Served("arn:r", 1)))
    assert offers([picky], waits("urgent", Q, priority=1), waits("other", R, since=50)) == [("other", "alice")]


def test_an_agents_own_queue_comes_before_all_others() -> None:
    own = waits("own", Target("arn:alice", "alice", agent=True), since=50)
    assert offers([ALICE], waits("old", since=1), own) == [("own", "alice")]
    assert offers([BOB], own) == []


def test_the_agent_who_is_idle_longest_takes_the_first_and_the_order_decides_between_equals() -> None:
    busy_lately = but(ALICE, idle_since=90.0)
    assert offers([busy_lately, BOB], waits("1", R)) == [("1", "bob")]
    assert offers([ALICE, BOB], waits("1", R), waits("2", R, since=1)) == [("1", "alice"), ("2", "bob")]


def test_a_contact_that_only_one_can_take_does_not_wait_for_who_took_another() -> None:
    assert offers([ALICE, BOB], waits("q", Q, since=5), waits("r", R, since=6)) == [("q", "alice"), ("r", "bob")]


def test_a_delay_keeps_a_queue_from_an_agent_for_so_long() -> None:
    patient = but(ALICE, serves=(Served("arn:q", delay=30.0),))
    assert offers([patient], waits("1", since=80), now=109.9) == []
    assert next_look([patient], lined_up([waits("1", since=80)]), 109.9) == 110.0
    assert offers([patient], waits("1", since=80), now=110.0) == [("1", "alice")]
    assert next_look([patient], lined_up([waits("1", since=80)]), 110.0) is None


def test_without_a_delay_a_contact_that_was_made_younger_does_not_wait() -> None:
    assert offers([ALICE], waits("1", since=130), now=100.0) == [("1", "alice")]


@pytest.mark.parametrize(
    "changes",
    [{"status": "CUSTOM"}, {"status": "OFFLINE"}, {"reachable": False}, {"load": {"VOICE": 1}}, {"serves": ()}],
)
def test_who_takes_nothing_now(changes: dict[str, object]) -> None:
    assert offers([but(ALICE, **changes)], waits("1")) == []


@pytest.mark.parametrize(
    ("concurrency", "load", "channel", "room"),
    [
        (Concurrency(), {}, "VOICE", 1),
        (Concurrency(), {"VOICE": 1}, "VOICE", 0),
        (Concurrency({"CHAT": 3}), {"CHAT": 1}, "CHAT", 2),
        (Concurrency({"CHAT": 3}), {"CHAT": 1}, "VOICE", 0),  # a chat keeps calls away
        (Concurrency({"CHAT": 3}, frozenset({"CHAT"})), {"CHAT": 1}, "VOICE", 1),  # unless the profile says
        (Concurrency({"CHAT": 3}, frozenset({"CHAT"})), {"VOICE": 1}, "CHAT", 0),  # which holds one way only
        (Concurrency({"TASK": 0}), {}, "TASK", 0),
        (Concurrency({"CHAT": 1}), {"CHAT": 2}, "CHAT", 0),  # the profile was changed meanwhile
    ],
)
def test_room(concurrency: Concurrency, load: dict[str, int], channel: str, room: int) -> None:
    assert concurrency.room(channel, load) == room


def test_a_queue_is_served_on_the_channels_that_the_profile_names() -> None:
    chatty = but(ALICE, serves=(Served("arn:q", channel="CHAT"),), concurrency=Concurrency({"CHAT": 2}))
    waiting = [waits("call"), waits("1", channel="CHAT"), waits("2", channel="CHAT"), waits("3", channel="CHAT")]
    assert next_offers([chatty], lined_up(waiting), 9.0) == [Offer("1", "alice", "CHAT"), Offer("2", "alice", "CHAT")]


FRENCH = ("Language", "French")
FIRST = Step(((FRENCH, 4.0),), 30.0)
THEN = Step(((FRENCH, 2.0), (("Product", "Cards"), 1.0)), 20.0)


@pytest.mark.parametrize(
    ("waited", "step"), [(0.0, FIRST), (29.9, FIRST), (30.0, THEN), (49.9, THEN), (50.0, None), (1e9, None)]
)
def test_the_step_of_criteria_that_is_in_force(waited: float, step: Step | None) -> None:
    assert step_after((FIRST, THEN), waited) == step
    assert step_after((FIRST, Step(THEN.levels)), 1e9) == Step(THEN.levels)  # without an expiry for good


def test_criteria_choose_the_agent_and_loosen_as_the_contact_waits() -> None:
    fluent = but(ALICE, skills={FRENCH: 5.0})
    fair = but(BOB, serves=BOTH, skills={FRENCH: 3.0, ("Product", "Cards"): 2.0}, idle_since=-1.0)
    asking = Waiting("1", Q, 0.0, 5, criteria=(FIRST, THEN))
    assert offers([fair, fluent], asking, now=5.0) == [("1", "alice")]
    assert offers([fair], asking, now=29.0) == []
    assert next_look([fair], lined_up([asking]), 29.0) == 30.0
    assert offers([fair, fluent], asking, now=30.0) == [("1", "bob")]
    assert offers([ALICE], asking, now=49.0) == []
    assert offers([ALICE], asking, now=50.0) == [("1", "alice")]
    assert offers([fair, ALICE], asking, waits("2", since=1.0), now=5.0) == [("2", "bob")]  # and hold up nobody else


def test_criteria_as_a_contact_keeps_them() -> None:
    french = {"AttributeCondition": {"Name": "Language", "Value": "French", "ProficiencyLevel": "4"}}
    cards = {"AttributeCondition": {"Name": "Product", "Value": "Cards", "ProficiencyLevel": 2.5}}
    steps = [
        {"Expression": french, "Expiry": {"DurationInSeconds": "30"}},
        {"Expression": {"AndExpression": [french, cards]}},
    ]
    assert read_criteria({"Steps": steps}) == (
        Step(((FRENCH, 4.0),), 30.0),
        Step(((FRENCH, 4.0), (("Product", "Cards"), 2.5))),
    )
    nothing: tuple[object, ...] = (None, {}, {"Steps": None}, "x", {"Steps": []})
    assert {read_criteria(each) for each in nothing} == {()}


def test_the_metrics_of_queues() -> None:
    members = [
        but(ALICE, load={"VOICE": 1}, talking=1),
        but(BOB, load={"VOICE": 1}, errors=1, played=True),
        Member("carol", "arn:carol", BOTH, status="CUSTOM"),
        Member("dave", "arn:dave", BOTH, status="OFFLINE", reachable=False),
        Member("erin", "arn:erin", (Served("arn:q"),), Concurrency({"VOICE": 3}), load={"VOICE": 1}, after_work=1),
    ]
    waiting = [waits("1", Q, 7.0), waits("2", R, 1.0), waits("3", Q, 2.0)]
    assert metrics(members, [Q], waiting) == QueueMetrics((2.0, 7.0), 3, 2, 1, 1, 3, 0, 1, 0, 1, 2)
    assert metrics(members, [R], waiting) == QueueMetrics((1.0,), 3, 2, 0, 1, 3, 1, 0, 1, 1, 0)
    both = metrics(members, [Q, R], waiting)
    assert (both.since, both.online, both.staffed) == ((1.0, 2.0, 7.0), 4, 3)  # nobody counts twice


QUEUES = st.sampled_from([Q, R, Target("arn:a0", "a0", agent=True)])
CHANNELS = st.sampled_from(["VOICE", "CHAT", "TASK"])
SERVED = st.builds(
    Served,
    st.sampled_from(["arn:q", "arn:r"]),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.0, 10.0]),
    st.one_of(st.none(), CHANNELS),
)
CONCURRENCY = st.builds(Concurrency, st.dictionaries(CHANNELS, st.integers(0, 3)), st.frozensets(CHANNELS, max_size=3))
CREWS = st.lists(
    st.tuples(
        st.lists(SERVED, max_size=3).map(tuple),
        CONCURRENCY,
        st.sampled_from(["ROUTABLE", "ROUTABLE", "CUSTOM"]),
        st.booleans(),
        st.dictionaries(CHANNELS, st.integers(0, 2)),
        st.floats(0, 50),
    ),
    max_size=4,
)
CROWDS = st.lists(st.tuples(QUEUES, st.floats(0, 20), st.integers(1, 9), CHANNELS), max_size=8)


@given(CREWS, CROWDS)
def test_whatever_the_crowd(crew: list[tuple[object, ...]], crowd: list[tuple[Target, float, int, str]]) -> None:
    members = [
        Member(f"a{n}", f"arn:a{n}", serves, room, status, reachable, False, load, idle_since=idle)  # type: ignore[arg-type]
        for n, (serves, room, status, reachable, load, idle) in enumerate(crew)
    ]
    waiting = [Waiting(str(number), *contact) for number, contact in enumerate(crowd)]
    found = next_offers(members, lined_up(waiting), 20.0)
    by_name, by_id = {m.name: m for m in members}, {w.contact_id: w for w in waiting}
    assert len({offer.contact_id for offer in found}) == len(found)  # nobody rings twice
    for offer in found:
        member, contact = by_name[offer.agent], by_id[offer.contact_id]
        served = member.serving(contact.target, contact.channel)
        assert member.takes
        assert served is not None
        assert contact.since + served.delay <= 20.0
    after = []
    for member in members:
        load = dict(member.load)
        for offer in (each for each in found if each.agent == member.name):
            assert member.concurrency.room(offer.channel, load) > 0
            load[offer.channel] = load.get(offer.channel, 0) + 1
        after.append(dataclasses.replace(member, load=load))
    left = [contact for contact in waiting if contact.contact_id not in {offer.contact_id for offer in found}]
    assert next_offers(after, lined_up(left), 20.0) == []  # nobody waits whom somebody could take
    assert next_offers(members, lined_up(reversed(waiting)), 20.0) == found  # in whatever order they are known
