"""Many contacts at once: all end as they should, none is lost, whenever the process dies."""

import ast
import asyncio
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from callpark.flows import custody, records
from callpark.flows.channels.phone import Manner
from callpark.flows.channels.voice import DeadPhone
from callpark.flows.happenings import ContactEnded
from callpark.flows.service import Flows
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.trace import Trace
from callpark.store.memory import MemoryStore
from tests.flows.building import INSTANCE, Action, action, definition, flow_arn, hang_up
from tests.flows.exchange import Office, Parameters, Stub, StubRunner, takes
from tests.flows.patterns import three_at_once
from tests.flows.test_generated import HOOK_TYPES, NAMES, Maker

pytestmark = pytest.mark.sim

NAMES_OF_THREE = ("One", "Two", "Three")
TABLES = (records.TABLE, "contacts/stories")


class Ear(DeadPhone):
    """Keeps the last that was said."""

    def __init__(self) -> None:
        self.last = ""

    def heard(self, text: str, at: float, seconds: float) -> None:
        self.last = text


def answering(name: str) -> Callable[[Parameters], object]:
    return lambda parameters: {"value": name}


async def test_a_thousand_calls_with_three_parallel_functions_each(clock: VirtualClock) -> None:
    """Each in its own time: functions take 2 to 12 seconds, a different mix for each caller. (`make bench` does it
    with 10,000.)"""
    seconds = itertools.cycle([2.0, 12.0, 5.5, 3.25, 7.0])
    stubs = {name: Stub(lambda _: next(seconds), answering(name)) for name in NAMES_OF_THREE}
    runner = StubRunner(clock, stubs)
    store = MemoryStore(clock)
    flows = Flows(clock, SeededIds(1), Trace(clock), ConnectLimits(), Place(), store, runner)
    flows.apply(INSTANCE, [definition(*three_at_once())], [])
    ears = [Ear() for _ in range(1_000)]
    calls = [flows.start_call("flow", ear) for ear in ears]
    began = clock.now()
    ends = await clock.run_until(asyncio.gather(*(call.ended for call in calls)))
    assert {end.reason for end in ends} == {"CONTACT_FLOW_DISCONNECT"}
    assert {ear.last for ear in ears} == {"One Two Three"}
    assert len(runner.runs) == 3_000
    assert len({request_id for _, _, request_id, _ in runner.runs}) == 3_000
    assert clock.now() - began < 20
    assert flows.contacts() == []
    assert await store.scan(custody.TABLE) == []
    assert len(await store.scan(records.TABLE)) == 1_000


def single(maker: Maker, name: str) -> Action:
    """An action that makes no contacts: flows that do would make them for ever."""
    while True:
        made = maker.action(name)
        if made["Type"] not in ("CreateTask", "CreateCallbackContact"):
            return made


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_flows_do_and_whenever_the_process_dies_no_contact_is_lost(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    """Generated flows, hooks and modules; callers who press keys and hang up; two crashes. Each contact that was ever
    saved is in the end a record, exactly one, that ended once."""
    maker, random = Maker(seed), Random(seed)
    kinds = [("flow", "CONTACT_FLOW"), ("other", "CONTACT_FLOW"), ("m", "MODULE"), *HOOK_TYPES.items()]
    definitions = [definition(*[single(maker, name) for name in NAMES], name=name, type_=kind) for name, kind in kinds]
    limits = ConnectLimits(actions_per_contact=300, queue_seconds=60.0)
    stubs = {"F": Stub(lambda _: random.uniform(0, 12), lambda _: {"x": "1"}), "Hook": takes(1, failed=True)}
    office = Office(clock, definitions, stubs, limits=limits)
    saved: set[str] = set()
    for _ in range(2):
        for _ in range(6):
            manner = Manner(hang_up_after=random.choice([None, random.uniform(0, 20)]))
            keys = "".join(random.choices("0123#,", k=6))
            office.flows.start_call(random.choice(["flow", "other"]), office.phone(keys, manner))
        await clock.advance(random.uniform(0, 25))
        await office.flows.close()  # or the dead would go on in this process
        again = office.restarted()
        saved |= {row.key for table in (custody.TABLE, records.TABLE) for row in await again.store.scan(table)}
        await again.flows.start()
        office = again
    while office.flows.contacts():
        await clock.advance(60)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    caplog.clear()
    ended = {row.key for row in await office.store.scan(records.TABLE)}
    assert saved <= ended
    assert await office.store.scan(custody.TABLE) == []
    for contact_id in saved:
        told = [entry.happening for entry in await office.flows.story(contact_id)]
        assert sum(isinstance(happening, ContactEnded) for happening in told) == 1
        assert isinstance(told[-1], ContactEnded)


async def test_a_flow_that_makes_tasks_without_end_meets_the_limit_of_open_contacts(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A task whose flow makes two tasks and waits: memory is bounded, the error branch is taken."""
    make = {"Name": "again", "ContactFlowId": flow_arn("flow")}
    limits = ConnectLimits(calls=50)
    office = Office(
        clock,
        [
            definition(
                action("one", "CreateTask", make, "two", errors={"NoMatchingError": "bye"}),
                action("two", "CreateTask", make, "wait", errors={"NoMatchingError": "bye"}),
                action("wait", "Wait", {"TimeLimitSeconds": "600"}, "bye", errors={"NoMatchingError": "bye"}),
                hang_up(),
            )
        ],
        limits=limits,
    )
    office.flows.start_call("flow", office.phone())
    await clock.advance(60)
    assert 10 <= len(office.flows.contacts()) <= 60  # turns under way do not see each other
    assert "50 contacts are open already (connect.calls)" in caplog.text
    caplog.clear()


@pytest.mark.parametrize("seed", range(3))
async def test_the_same_crowd_gives_the_same_history_byte_for_byte(seed: int) -> None:
    histories = []
    for _ in range(2):
        clock, random = VirtualClock(), Random(seed)
        office = Office(clock, [definition(*three_at_once())], {n: takes(random.uniform(1, 9)) for n in NAMES_OF_THREE})
        for _ in range(20):
            office.flows.start_call("flow", office.phone(manner=Manner(hang_up_after=random.choice([None, 3.0]))))
        await clock.advance(60)
        histories.append([(row.key, row.value) for table in TABLES for row in await office.store.scan(table)])
    assert histories[0] == histories[1]
    assert len(histories[0]) > 40


def test_every_rule_of_asynchronous_functions_has_a_test_of_its_name() -> None:
    """A1 to A20 of the reference."""
    names = [
        node.name
        for path in Path(__file__).parent.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    named = {int(number) for name in names for number in re.findall(r"_a(\d+)(?=_)", name)}
    assert set(range(1, 21)) <= named, sorted(set(range(1, 21)) - named)
