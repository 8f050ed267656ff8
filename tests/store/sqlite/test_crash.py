"""`kill -9` at every fault point under load: what was acknowledged is there, and nothing is torn."""

import os
import sqlite3
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.store.sqlite import SqliteStore
from callpark.store.sqlite.faults import POINTS
from callpark.store.window import Bounds

pytestmark = pytest.mark.process


def _run_until_killed(directory: Path, fault: str) -> dict[str, set[str]]:
    """What the child said, by its first word."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.store.sqlite.crash_child", str(directory)],
        env={**os.environ, "CALLPARK_FAULT": fault, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        timeout=30,
        check=False,
    )
    assert child.returncode == -9
    said: defaultdict[str, set[str]] = defaultdict(set)
    for line in child.stdout.decode().splitlines():
        word, _, subject = line.partition(" ")
        said[word].add(subject)
    return said


@pytest.mark.parametrize("times", [1, 25])
@pytest.mark.parametrize("point", POINTS)
async def test_acknowledged_is_present_and_nothing_is_torn(
    tmp_path: Path, clock: VirtualClock, point: str, times: int
) -> None:
    said = _run_until_killed(tmp_path, f"{point}:{times}")
    store = SqliteStore.open(tmp_path, clock, window=Bounds(1_000_000, 1_000_000_000))
    present: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
    while found := store.lease("q", 100_000):
        for item in found:
            number, _, half = item.id.partition(".")
            assert len(item.body) == 200
            present[number][half] = item.state
    rows = {row.key: row for row in await store.scan("pairs")}
    blobs = [await store.get_blob(digest) for digest in said["kept"]]
    await store.close()

    assert said["put"] <= rows.keys() <= said["putting"], "acknowledged is present, and nothing comes from nowhere"
    assert rows.keys() - said["removing"] <= present.keys() <= rows.keys() - said["removed"]
    assert all(halves.keys() == {"a", "b"} for halves in present.values()), "a pair is there together or not at all"
    for number, row in rows.items():
        deferred = row.value == b"again"
        assert row.revision == 1 + deferred
        assert deferred or number not in said["deferred"]
        if number in present:
            assert present[number] == {"a": b"again" if deferred else b"new", "b": b"new"}
    assert all(blob is not None and len(blob) == 1_000 for blob in blobs)
    assert times == 1 or said["put"], "the load was real"
    _assert_whole(tmp_path)


def _assert_whole(directory: Path) -> None:
    assert not list(directory.glob("blobs/*/incoming-*")), "half-written blobs are swept"
    connection = sqlite3.connect(directory / "callpark.db")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
