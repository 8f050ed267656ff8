"""What only the SQLite store has: one process per directory, migrations, group commit, failing disks."""

import asyncio
import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import ProjectError
from callpark.store.ports import Defer, Done, Put, RevisionConflict, Row, SetRow, StoreFailure, WorkItem
from callpark.store.sqlite import SqliteStore, faults, journal, schema, writer
from callpark.store.sqlite.reader import following
from callpark.store.sqlite.statements import BatchStatement, load

pytestmark = pytest.mark.sim


def _put(item_id: str, body: bytes = b"") -> Put:
    return Put(WorkItem("q", item_id, body, b"", 0.0))


class Points:
    """A fault hook that counts the points and raises what it is told to."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()
        self.failures: dict[str, Exception] = {}

    def __call__(self, point: str) -> None:
        self.passed[point] += 1
        if point in self.failures:
            raise self.failures[point]


@asynccontextmanager
async def _opened(
    directory: Path, clock: VirtualClock, fault: faults.FaultHook | None = None
) -> AsyncIterator[SqliteStore]:
    store = SqliteStore.open(directory, clock, fault=fault)
    try:
        yield store
    finally:
        await store.close()


class TestDirectory:
    async def test_a_second_process_is_refused_and_told_by_whom(self, tmp_path: Path, clock: VirtualClock) -> None:
        async with _opened(tmp_path, clock):
            code = (
                "import sys; from pathlib import Path; from callpark.kernel.clock import SystemClock\n"
                "from callpark.kernel.errors import ProjectError; from callpark.store.sqlite import SqliteStore\n"
                "try: SqliteStore.open(Path(sys.argv[1]), SystemClock())\n"
                "except ProjectError as error: print(error.cause)\n"
            )
            said = await asyncio.to_thread(
                subprocess.check_output,
                [sys.executable, "-c", code, str(tmp_path)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                text=True,
                timeout=20,
            )
        assert said.strip() == f"the data directory {tmp_path} is in use by process {os.getpid()}"

    async def test_the_directory_is_free_again_after_closing(self, tmp_path: Path, clock: VirtualClock) -> None:
        for _ in range(2):
            async with _opened(tmp_path / "made" / "for us", clock):
                with pytest.raises(ProjectError):
                    SqliteStore.open(tmp_path / "made" / "for us", clock)

    async def test_a_directory_that_is_a_file(self, tmp_path: Path, clock: VirtualClock) -> None:
        path = tmp_path / "file"
        path.touch()
        with pytest.raises(ProjectError, match="cannot be used"):
            SqliteStore.open(path, clock)

    async def test_a_file_that_is_no_database(self, tmp_path: Path, clock: VirtualClock) -> None:
        path = tmp_path / "callpark.db"
        path.write_bytes(b"certainly not a database" * 100)
        for _ in range(2):
            with pytest.raises(ProjectError, match="file is not a database"):
                SqliteStore.open(tmp_path, clock)


class TestSchema:
    async def test_every_migration_is_recorded_once(self, tmp_path: Path, clock: VirtualClock) -> None:
        for _ in range(2):
            async with _opened(tmp_path, clock):
                pass
        with _database(tmp_path) as connection:
            found = connection.execute("SELECT number, name FROM migration ORDER BY number").fetchall()
        assert found == [(number, name) for number, name, _ in schema.known()]
        assert [number for number, _, _ in schema.known()] == list(range(1, len(found) + 1))

    async def test_a_newer_schema_is_refused(self, tmp_path: Path, clock: VirtualClock) -> None:
        async with _opened(tmp_path, clock):
            pass
        with _database(tmp_path) as connection:
            connection.execute("INSERT INTO migration VALUES (9999, 'from_the_future')")
            connection.commit()
        with pytest.raises(ProjectError, match="written by a newer callpark") as refusal:
            SqliteStore.open(tmp_path, clock)
        assert "upgrade callpark" in refusal.value.remedy

    def test_a_migration_that_fails_leaves_nothing_behind(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = [(1, "broken", "CREATE TABLE a (b);\nCREATE TABLE a (b);\n")]
        monkeypatch.setattr(schema, "known", lambda: broken)
        connection = sqlite3.connect(tmp_path / "callpark.db", isolation_level=None)
        with pytest.raises(sqlite3.OperationalError):
            schema.migrate(connection, tmp_path)
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("migration",)]
        connection.close()

    @pytest.mark.parametrize(("name", "columns"), [("defer", 4), ("done", 2)])
    def test_batches_search_by_index_whatever_their_size(self, name: str, columns: int) -> None:
        connection = sqlite3.connect(":memory:", isolation_level=None)
        schema.migrate(connection, Path("memory"))
        for rows in (1, 256):
            [(sql, values)] = BatchStatement(load("items")[name], columns).executions([["x"] * columns] * rows)
            plan = [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
            assert any("item_by_id (queue=? AND id=?)" in step for step in plan), plan
            assert not any(step.startswith(("SCAN item", "SCAN found")) for step in plan), plan
        plan = [step[3] for step in connection.execute(f"EXPLAIN QUERY PLAN {load('items')['refill']}", ("q", 0, 0, 9))]
        assert len(plan) == 1, "read in index order, without sorting"
        assert "item_by_readiness" in plan[0]
        connection.close()


class TestGroupCommit:
    async def test_commits_of_one_turn_are_one_transaction(self, tmp_path: Path, clock: VirtualClock) -> None:
        points = Points()
        async with _opened(tmp_path, clock, points) as store:
            commits = [store.commit([_put(str(n)), SetRow("t", str(n), b"")]) for n in range(1_000)]
            await clock.run_until(asyncio.gather(*commits))
            assert await store.count("q") == 1_000
            assert len(await store.scan("t")) == 1_000
        assert points.passed["before_commit"] <= 2, "one, or two when the writer was awake already"

    async def test_removals_wait_for_company(self, tmp_path: Path, clock: VirtualClock) -> None:
        points = Points()
        async with _opened(tmp_path, clock, points) as store:
            await clock.run_until(store.commit([_put(str(n)) for n in range(20)]))
            store.lease("q", 20)
            commits: list[asyncio.Future[None]] = []
            for n in range(20):
                commits.append(store.commit([Done("q", str(n))]))
                await asyncio.sleep(0)
            await clock.run_until(asyncio.gather(*commits))
            assert await store.count("q") == 0
        assert points.passed["before_done"] < 20

    async def test_a_commit_that_cannot_be_written_harms_no_other(self, tmp_path: Path, clock: VirtualClock) -> None:
        async with _opened(tmp_path, clock) as store:
            broken = [
                store.commit([_put("lone surrogate \ud800"), _put("with it")]),
                store.commit([Put(WorkItem("q", "no body", None, b"", 0.0))]),  # type: ignore[arg-type]
            ]
            good = [store.commit([_put("good")]), store.commit([SetRow("t", "k", b"v")])]
            await clock.run_until(asyncio.gather(*good))
            errors = await asyncio.gather(*broken, return_exceptions=True)
            assert [type(error) for error in errors] == [UnicodeEncodeError, TypeError]
            assert [item.id for item in store.lease("q", 9)] == ["good"]
            assert await store.get("t", "k") == Row("k", b"v", 1)

    async def test_a_refused_commit_among_others(self, tmp_path: Path, clock: VirtualClock) -> None:
        async with _opened(tmp_path, clock) as store:
            commits = [store.commit([SetRow("t", "k", bytes([n]), revision=n // 2), _put(str(n))]) for n in range(8)]
            ended = await clock.run_until(asyncio.gather(*commits, return_exceptions=True))
            assert [isinstance(error, RevisionConflict) for error in ended] == [False, True] * 4
            assert await store.get("t", "k") == Row("k", b"\x06", 4)
            assert [item.id for item in store.lease("q", 9)] == ["0", "2", "4", "6"]


class TestFailingDisk:
    @pytest.mark.parametrize("point", ["before_commit", "within_commit"])
    async def test_a_commit_fails_whole_and_the_store_goes_on(
        self, tmp_path: Path, clock: VirtualClock, point: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        points = Points()
        async with _opened(tmp_path, clock, points) as store:
            await clock.run_until(store.commit([_put("old")]))
            assert [item.id for item in store.lease("q", 9)] == ["old"]
            points.failures[point] = sqlite3.OperationalError("disk I/O error")
            for _ in range(3):
                with pytest.raises(StoreFailure, match="disk I/O error"):
                    await clock.run_until(store.commit([_put("new"), SetRow("t", "k", b""), Done("q", "old")]))
            points.failures.clear()
            assert await store.count("q") == 1
            assert list(store.lease("q", 9)) == [], "the lease is still held"
            await clock.run_until(store.commit([_put("new"), Done("q", "old")]))
            assert [item.id for item in store.lease("q", 9)] == ["new"]
        warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
        assert len(warnings) == 2, "once when it begins, once when it is over"

    async def test_a_full_disk(self, tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
        """The journal's segment has room for the small one only."""
        async with _opened(tmp_path, clock) as store:
            await clock.run_until(store.commit([_put("first")]))
            _no_growth(monkeypatch)
            with pytest.raises(StoreFailure, match="No space left"):
                await clock.run_until(store.commit([_put("large", bytes(journal.CHUNK_BYTES))]))
            await clock.run_until(store.commit([_put("small")]))
            assert [item.id for item in store.lease("q", 9)] == ["first", "small"]
        monkeypatch.undo()
        async with _opened(tmp_path, clock) as store:
            assert [item.id for item in store.lease("q", 9)] == ["first", "small"]

    async def test_a_database_that_cannot_be_written_stops_nobody_until_the_journal_is_full(
        self, tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(writer, "SEGMENT_BYTES", 10_000)
        points = Points()
        points.failures["within_carry"] = sqlite3.OperationalError("database or disk is full")
        accepted: list[str] = []
        async with _opened(tmp_path, clock, points) as store:
            with contextlib.suppress(StoreFailure):
                for n in range(200):
                    await clock.run_until(store.commit([_put(f"{n:03}", bytes(1_000)), SetRow("t", f"{n:03}", b"")]))
                    accepted.append(f"{n:03}")
            assert 70 < len(accepted) < 100, "eight segments"
            with pytest.raises(StoreFailure, match="disk is full"):
                await store.count("q")
            assert await store.get("t", "000") == Row("000", b"", 1)
            assert [row.key for row in await store.scan("t")] == accepted
            found = await store.find("q", accepted[-1])
            assert found is not None
            assert found.body == bytes(1_000)
            points.failures.clear()
            await clock.run_until(store.commit([_put("later")]))
            assert await store.count("q") == len(accepted) + 1
            assert [item.id for item in store.lease("q", 200)] == [*accepted, "later"]
        warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
        assert len(warnings) == 4, "the database and the commits: once when it begins, once when it is over"

    async def test_what_the_database_could_not_take_is_there_at_the_next_start(
        self, tmp_path: Path, clock: VirtualClock
    ) -> None:
        points = Points()
        points.failures["before_carry"] = sqlite3.OperationalError("disk I/O error")
        async with _opened(tmp_path, clock, points) as store:
            await clock.run_until(store.commit([_put("a"), SetRow("t", "k", b"v")]))
            with pytest.raises(StoreFailure):
                await store.count("q")
            await clock.run_until(store.commit([_put("b"), Done("q", "a"), SetRow("t", "k", b"w", revision=1)]))
        async with _opened(tmp_path, clock) as store:
            assert [item.id for item in store.lease("q", 9)] == ["b"]
            assert await store.get("t", "k") == Row("k", b"w", 2)

    async def test_a_blob_that_cannot_be_written(self, tmp_path: Path, clock: VirtualClock) -> None:
        points = Points()
        points.failures["before_blob_rename"] = OSError(28, "No space left on device")
        async with _opened(tmp_path, clock, points) as store:
            with pytest.raises(StoreFailure, match="No space left on device"):
                await store.put_blob(b"data")
            assert _files_under(tmp_path / "blobs") == []
            points.failures.clear()
            digest = await store.put_blob(b"data")
            assert await store.get_blob(digest) == b"data"


class TestRefills:
    async def test_a_refill_that_fails_is_asked_again(self, tmp_path: Path, clock: VirtualClock) -> None:
        async with _opened(tmp_path, clock) as store:
            await clock.run_until(store.commit([_put(f"{n:04}") for n in range(3_000)]))
            database, refill = store._database, store._database._refill
            attempts = 0

            def fail_once(request: object) -> object:
                nonlocal attempts
                attempts += 1
                if attempts == 1:
                    raise sqlite3.OperationalError("disk I/O error")
                return refill(request)  # type: ignore[arg-type]

            database._refill = fail_once  # type: ignore[method-assign, assignment]
            found: list[str] = []
            for _ in range(100):
                found += [item.id for item in store.lease("q", 100)]
                await clock.settle()
            assert found == [f"{n:04}" for n in range(3_000)]
            assert attempts > 1


class TestFaultPoints:
    @pytest.mark.parametrize("text", ["nowhere:1", "before_commit", "before_commit:0", "before_commit:x"])
    def test_an_unknown_point_is_refused(self, text: str) -> None:
        with pytest.raises(ProjectError, match="is not point:n"):
            faults.from_environment({"CALLPARK_FAULT": text})

    def test_without_the_variable_there_is_no_hook(self) -> None:
        assert faults.from_environment({}) is None

    async def test_every_point_is_passed(self, tmp_path: Path, clock: VirtualClock) -> None:
        points = Points()
        async with _opened(tmp_path, clock, points) as store:
            await clock.run_until(store.commit([_put("i"), SetRow("t", "k", b"")]))
            await clock.run_until(store.commit([Defer("q", "i", b"", 0.0)]))
            await clock.run_until(store.commit([Done("q", "i")]))
            await store.put_blob(b"data")
        assert points.passed.keys() == set(faults.POINTS)


class TestStatements:
    @pytest.mark.parametrize("rows", [0, 1, 2, 5, 255, 256, 257, 1_000])
    def test_every_row_is_in_one_execution(self, rows: int) -> None:
        statement = BatchStatement("{rows}", 2)
        given = [(n, str(n)) for n in range(rows)]
        executed = list(statement.executions(given))
        assert [value for _, part in executed for value in part if value is not None] == [
            v for row in given for v in row
        ]
        assert all(sql.count("?") == len(part) for sql, part in executed)
        assert len(executed) == -(-rows // 256)

    @pytest.mark.parametrize(
        ("prefix", "end"), [("a", "b"), ("", None), ("\U0010ffff", None), ("a\U0010ffff", "b"), ("\ud7ff", "\ue000")]
    )
    def test_the_end_of_a_prefix(self, prefix: str, end: str | None) -> None:
        assert following(prefix) == end


def _no_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that exist can be written, but not beyond their ends."""
    pwrite = os.pwrite

    def within(descriptor: int, data: bytes, position: int) -> int:
        if position + len(data) > os.fstat(descriptor).st_size:
            raise OSError(28, "No space left on device")
        return pwrite(descriptor, data, position)

    monkeypatch.setattr(os, "pwrite", within)


def _files_under(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


@contextmanager
def _database(directory: Path) -> Iterator[sqlite3.Connection]:
    """A second connection, to the database of a closed store."""
    connection = sqlite3.connect(directory / "callpark.db")
    yield connection
    connection.close()
