"""Contacts: many at once, many parked, how soon a parked one goes on, and the engine by itself."""

import asyncio
import sys
import time

import msgspec

from bench import contact_flows as flows
from bench.figures import Figure, percentile
from bench.meanwhile import meanwhile
from bench.parked import PACE_SECONDS, PARKED, Ear, flows_over, until
from callpark.cli.collector import settle_collector
from callpark.flows.contact import Party
from callpark.flows.engine import handle, new_contact
from callpark.flows.events import FunctionAnswer, Started, TimerFired
from callpark.flows.floor import Floor
from callpark.flows.instance import Surroundings, build_instance
from callpark.flows.ledger import Ledger
from callpark.flows.service import Flows
from callpark.kernel.arn import Place
from callpark.kernel.clock import SystemClock, VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.trace import Trace
from callpark.store.memory import MemoryStore

AT_ONCE = 10_000
CALLS = 2_000
ENGINE_WAITS = 200_000


async def figures() -> list[Figure]:
    waits = engine_waits_per_second(ENGINE_WAITS)
    next_action = await next_action_milliseconds(CALLS)
    simulated = await simulated_seconds(AT_ONCE)
    with meanwhile() as machine:
        parked = await _parked()
    woken = percentile(parked.wakes, 0.99)
    return [
        Figure("pure engine, virtual 60-second waits", waits, "/s", "≥ 100,000/s", waits >= 100_000),
        Figure("function returned → next prompt, 200/s, p50", percentile(next_action, 0.5), "ms"),
        Figure("… p99", percentile(next_action, 0.99), "ms", "≤ 5 ms", percentile(next_action, 0.99) <= 5),
        Figure(f"{AT_ONCE:,} calls × 3 parallel functions, simulated", simulated, "s"),
        Figure(f"{PARKED:,} contacts in Wait, process", parked.megabytes, "MB", "≤ 150 MB", parked.megabytes <= 150),
        Figure("… started and saved", PARKED / parked.seconds, "/s"),
        Figure(f"… {len(parked.wakes):,} of them wake, 200/s, p50", percentile(parked.wakes, 0.5), "ms"),
        Figure("… p99", woken, "ms", "≤ 5 ms", woken <= 5),
        Figure("… meanwhile a flush of this disk, p99", percentile(machine.flushes, 0.99), "ms"),
        Figure("… and a sleeper was woken late, p99", percentile(machine.late, 0.99), "ms"),
    ]


def engine_waits_per_second(count: int, contacts: int = 100) -> float:
    """A wait: the timer fires, the contact goes on, stands in the next Wait. One thread, nothing saved."""
    limits = ConnectLimits(actions_per_contact=count)
    runner = flows.Stubs(VirtualClock(), {})
    instance, _ = build_instance(flows.INSTANCE, [flows.ROUNDS], [], limits)
    floor = Floor(runner.clock, limits, lambda contact_id, offered: None)
    world = Surroundings(instance, limits, Place(), runner, floor.metrics, Ledger())
    program = instance.programs[flows.ROUNDS.arn]
    ids = SeededIds(1)
    parties = [Party(ids.uuid(), flows.INSTANCE.arn, "us-east-1", None, None, 0.0, "TASK") for _ in range(contacts)]
    parked = [handle(world, program, new_contact(party, program), Started(), 0.0).contact for party in parties]
    started = time.perf_counter()
    for _ in range(count // contacts):
        for index, contact in enumerate(parked):
            at = dict(contact.timers)["wait"]
            parked[index] = handle(world, program, contact, TimerFired("wait", at), at).contact
    seconds = time.perf_counter() - started
    assert all(dict(contact.timers)["wait"] == 60.0 * (count // contacts + 1) for contact in parked)
    return count / seconds


async def next_action_milliseconds(count: int) -> list[float]:
    """From a function's answer to the prompt behind it: event, engine, save on disk, effect. Calls are in progress all
    the time, two hundred answers come in each second."""
    told = flows.Told()
    answered_at: list[tuple[float, Ear]] = []
    async with flows_over(told, SystemClock()) as served:
        ears: dict[str, Ear] = {}
        for _ in range(count):
            ear = Ear()
            ears[served.start_call("one", ear).contact_id] = ear
        await until(lambda: len(told.waiting) == count)
        settle_collector()
        for contact_id, future in list(told.waiting.items()):
            answered = time.perf_counter()
            future.set_result(FunctionAnswer(b"{}"))
            await asyncio.sleep(PACE_SECONDS)
            answered_at.append((answered, ears[contact_id]))
        await until(lambda: all(len(ear.heard_at) == 2 for ear in ears.values()))
        return [(ear.heard_at[1] - answered) * 1_000 for answered, ear in answered_at]


async def simulated_seconds(count: int) -> float:
    """Real seconds for calls that all begin at once and talk for minutes on a virtual clock; all end as they should."""
    clock = VirtualClock()
    stubs = flows.Stubs(clock, {"One": 4.0, "Two": 3.0, "Three": 2.5})
    served = Flows(clock, SeededIds(1), Trace(clock), ConnectLimits(), Place(), MemoryStore(clock), stubs)
    served.apply(flows.INSTANCE, [flows.three_functions()], [])
    started = time.perf_counter()
    ears = [Ear() for _ in range(count)]
    calls = [served.start_call("three", ear) for ear in ears]
    ends = await clock.run_until(asyncio.gather(*(call.ended for call in calls)))
    seconds = time.perf_counter() - started
    assert stubs.began == 3 * count
    assert {end.reason for end in ends} == {"CONTACT_FLOW_DISCONNECT"}
    assert {ear.last for ear in ears} == {" ".join(flows.NAMES)}
    await served.close()
    return seconds


class Parked(msgspec.Struct):
    """What `bench.parked` prints: seconds to start and save all, the process's memory, lateness of timers in ms."""

    seconds: float
    megabytes: float
    wakes: list[float]


async def _parked() -> Parked:
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.parked", stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate()
    return msgspec.json.decode(out, type=Parked)
