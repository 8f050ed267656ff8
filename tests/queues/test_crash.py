"""`kill -9` under load: what was acknowledged holds after the restart."""

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from callpark.queues.model import Received
from callpark.queues.service import Queues
from tests.queues.crash_child import NAMES, opened

pytestmark = pytest.mark.process


def _run_until_killed(directory: Path, fault: str) -> dict[str, list[str]]:
    """What the child said, by its first word."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.queues.crash_child", str(directory)],
        env={**os.environ, "CALLPARK_FAULT": fault, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        timeout=30,
        check=False,
    )
    assert child.returncode == -9
    said: defaultdict[str, list[str]] = defaultdict(list)
    for line in child.stdout.decode().splitlines():
        word, _, subject = line.partition(" ")
        said[word].append(subject)
    return said


async def _drain(queues: Queues, name: str) -> list[Received]:
    """Everything that can be received now."""
    queue, found = queues.administration.find(name), list[Received]()
    while received := await queues.receive(queue, 10, 0.5 if not found else 0, 100):
        found += received
        if queue.fifo:
            await queues.delete(queue, [one.receipt_handle for one in received])
    return found


@pytest.mark.parametrize(
    "point", ["before_commit", "within_commit", "after_commit", "after_put_before_ack", "after_ack"]
)
async def test_acknowledged_holds_after_kill_9(tmp_path: Path, point: str) -> None:
    said = _run_until_killed(tmp_path, f"{point}:60")
    queues = await opened(tmp_path)
    try:
        for name in NAMES:
            mine = {word: {body for body in bodies if body.startswith(f"{name}:")} for word, bodies in said.items()}
            held = {
                message.body: state
                for _, message, state, _ in await queues.peek(queues.administration.find(name), 100_000)
            }
            assert mine["sent"] - mine["deleting"] <= held.keys() <= mine["sending"] - mine["deleted"]
            assert mine["sent"], "the load was real"
            for body in mine["received"] & held.keys():
                assert held[body].receives == 1
            again = await _drain(queues, name)
            bodies = [one.message.body for one in again]
            assert not set(bodies) & mine["received"], "delivered twice within its visibility"
            assert len(bodies) == len(set(bodies))
            if name.endswith(".fifo"):
                _assert_in_order(again)
            else:
                untouched = {body for body, state in held.items() if not state.receives}
                assert set(bodies) == untouched
    finally:
        await queues.close()
        await queues._store.close()


def _assert_in_order(received: list[Received]) -> None:
    by_group: defaultdict[str | None, list[int]] = defaultdict(list)
    for one in received:
        by_group[one.message.group].append(one.message.sequence or 0)
    assert all(sequences == sorted(sequences) for sequences in by_group.values())
