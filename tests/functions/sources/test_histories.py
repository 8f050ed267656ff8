"""Whatever a function does with its batches, and whenever callpark is restarted: every message is done, none is with
two runs at once, groups keep their order."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from callpark.kernel.clock import VirtualClock, sleep
from callpark.store.memory import MemoryStore
from tests.functions.plain_environments import HandlerError, Run
from tests.functions.sources.conftest import Fed, feed

pytestmark = pytest.mark.sim

Deed: TypeAlias = Literal["done", "slow", "fails", "last one fails", "malformed"]
VISIBILITY = 20


@dataclass(slots=True)
class Plan:
    """A history to be. `deeds` are what the function does, in turn; afterwards it does everything well."""

    fifo: bool
    batch_size: int
    window: int
    sends: list[tuple[float, list[str]]]
    deeds: list[Deed]
    restart_after: float | None


plans = st.builds(
    Plan,
    fifo=st.booleans(),
    batch_size=st.integers(1, 10),
    window=st.sampled_from([0, 0, 3, 40]),
    sends=st.lists(
        st.tuples(st.sampled_from([0.0, 0.5, 7.0]), st.lists(st.sampled_from("abc"), min_size=1, max_size=12)),
        min_size=1,
        max_size=5,
    ),
    deeds=st.lists(st.sampled_from(["done", "slow", "fails", "last one fails", "malformed"]), max_size=8),
    restart_after=st.none() | st.sampled_from([0.0, 1.0, 12.0]),
)


@dataclass(slots=True)
class Witness:
    """The function, and what it sees."""

    clock: VirtualClock
    deeds: list[Deed]
    fifo: bool
    in_hand: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def handler(self, run: Run) -> object:
        assert isinstance(run.event, dict)
        records: list[dict[str, str]] = run.event["Records"]
        names = [record["body"] for record in records]
        if self.in_hand & set(names):
            self.faults.append(f"with two runs at once: {sorted(self.in_hand & set(names))}")
        if self.fifo and len({name[0] for name in names}) > 1:
            self.faults.append(f"two groups in one batch: {names}")
        self.in_hand |= set(names)
        try:
            return await self._deal(records, names)
        finally:
            self.in_hand -= set(names)

    async def _deal(self, records: list[dict[str, str]], names: list[str]) -> object:
        deed = self.deeds.pop(0) if self.deeds else "done"
        if deed == "slow":
            await sleep(self.clock, 8.0)
        elif deed == "fails":
            raise HandlerError("no")
        elif deed == "malformed":
            return {"batchItemFailures": [{"foo": "bar"}]}
        failed = records[-1:] if deed == "last one fails" else []
        self.done += names[: len(names) - len(failed)]
        return {"batchItemFailures": [{"itemIdentifier": one["messageId"]} for one in failed]}


async def lived(plan: Plan, folder: Path) -> tuple[Witness, list[str], int]:
    clock = VirtualClock()
    store = MemoryStore(clock)
    fed = await feed(clock, folder, store)
    witness = Witness(clock, list(plan.deeds), plan.fifo)
    name = "q.fifo" if plan.fifo else "q"
    await fed.queue(name, VisibilityTimeout=str(VISIBILITY))
    await fed.scene.declare("f", witness.handler)
    window = {} if plan.fifo else {"MaximumBatchingWindowInSeconds": plan.window}
    await fed.map(name, "f", BatchSize=plan.batch_size, FunctionResponseTypes=["ReportBatchItemFailures"], **window)
    sent: list[str] = []
    for pause, groups in plan.sends:
        await clock.advance(pause)
        for group in groups:
            body = f"{group}{len(sent)}"
            sent.append(body)
            await fed.send(name, body, group=group if plan.fifo else None)
    if plan.restart_after is not None:
        await clock.advance(plan.restart_after)
        fed = await _restarted(fed, folder, store, witness)
    await clock.advance(1_500)
    left = await fed.left(name)
    await fed.close()
    return witness, sent, left


async def _restarted(fed: Fed, folder: Path, store: MemoryStore, witness: Witness) -> Fed:
    await fed.close()
    witness.in_hand.clear()
    return await feed(fed.clock, folder, store.crash(), before=fed.scene)


@given(plans)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_message_is_done(plan: Plan) -> None:
    with tempfile.TemporaryDirectory() as folder:
        witness, sent, left = asyncio.run(lived(plan, Path(folder)))
    assert left == 0
    assert set(witness.done) == set(sent)
    if not plan.fifo and plan.window > VISIBILITY:
        return  # the window eats up the visibility, as on AWS: messages come back while the function works on them
    assert witness.faults == []
    if plan.restart_after is None:
        assert len(witness.done) == len(sent), "nothing is done twice"
    if plan.fifo:
        for group in "abc":
            first = list(dict.fromkeys(name for name in witness.done if name[0] == group))
            assert first == [name for name in sent if name[0] == group]
