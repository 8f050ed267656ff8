"""What a store promises of rows and blobs."""

import hashlib

import pytest

from callpark.store.ports import DeleteRow, RevisionConflict, Row, SetRow
from tests.store.conformance.house import House


class TestRows:
    async def test_a_row_is_read_as_written_and_counts_its_revisions(self, house: House) -> None:
        assert await house.store.get("t", "k") is None
        await house.commit(SetRow("t", "k", b"1"))
        assert await house.store.get("t", "k") == Row("k", b"1", 1)
        await house.commit(SetRow("t", "k", b"2"), SetRow("t", "k", b"3"))
        assert await house.store.get("t", "k") == Row("k", b"3", 3)
        await house.restart()
        assert await house.store.get("t", "k") == Row("k", b"3", 3)

    async def test_a_deleted_row_is_gone_and_begins_again_at_one(self, house: House) -> None:
        await house.commit(SetRow("t", "k", b"1"), SetRow("t", "other", b"o"))
        await house.commit(DeleteRow("t", "k"), DeleteRow("t", "never there"))
        assert await house.store.get("t", "k") is None
        await house.commit(SetRow("t", "k", b"2", revision=0))
        assert await house.store.get("t", "k") == Row("k", b"2", 1)

    @pytest.mark.parametrize(("expected", "accepted"), [(0, False), (1, True), (2, False), (None, True)])
    async def test_an_expected_revision_must_be_met(self, house: House, expected: int | None, accepted: bool) -> None:
        await house.commit(SetRow("t", "k", b"1"))
        write = house.commit(SetRow("t", "k", b"2", revision=expected))
        if accepted:
            await write
        else:
            with pytest.raises(RevisionConflict) as refusal:
                await write
            assert (refusal.value.table, refusal.value.key) == ("t", "k")
        row = await house.store.get("t", "k")
        assert row == (Row("k", b"2", 2) if accepted else Row("k", b"1", 1))

    async def test_of_a_refused_commit_nothing_is_applied(self, house: House) -> None:
        await house.commit(SetRow("t", "k", b"1"))
        with pytest.raises(RevisionConflict):
            await house.commit(
                SetRow("t", "new", b"n"), house.put("i"), DeleteRow("t", "k"), SetRow("t", "k", b"2", revision=1)
            )
        assert await house.store.get("t", "new") is None
        assert await house.store.get("t", "k") == Row("k", b"1", 1)
        assert house.lease() == []

    async def test_of_two_racing_writers_one_wins(self, house: House) -> None:
        commits = [house.store.commit([SetRow("t", "k", bytes([n]), revision=0), house.put(str(n))]) for n in range(5)]
        won: list[int] = []
        for n, commit in enumerate(commits):
            try:
                await house.clock.run_until(commit)
                won.append(n)
            except RevisionConflict:
                pass
        assert len(won) == 1
        assert await house.store.get("t", "k") == Row("k", bytes(won), 1)
        assert house.lease() == [str(won[0])]

    async def test_tables_do_not_mix(self, house: House) -> None:
        await house.commit(SetRow("one", "k", b"1"), SetRow("two", "k", b"2"))
        await house.commit(DeleteRow("one", "k"))
        assert await house.store.get("two", "k") == Row("k", b"2", 1)

    async def test_a_scan_finds_keys_by_prefix_in_order(self, house: House) -> None:
        keys = ["a", "a/", "a/1", "a/10", "a/2", "a0", "b", "a/\U0010ffff", "a/\U0010ffffz", "a/\ud7ff", "a/\ue000"]
        await house.commit(*(SetRow("t", key, key.encode()) for key in keys), SetRow("u", "a/3", b""))
        for prefix in ["", "a", "a/", "a/1", "a/\U0010ffff", "a/\ud7ff", "z"]:
            found = [row.key for row in await house.store.scan("t", prefix)]
            assert found == sorted(key for key in keys if key.startswith(prefix)), prefix

    async def test_an_awaited_write_is_read(self, house: House) -> None:
        for n in range(20):
            await house.commit(SetRow("t", "k", str(n).encode()))
            row = await house.store.get("t", "k")
            assert row is not None
            assert row.value == str(n).encode()


class TestBlobs:
    async def test_a_blob_comes_back_by_its_digest(self, house: House) -> None:
        data = b"zip" * 100_000
        digest = await house.store.put_blob(data)
        assert digest == hashlib.sha256(data).hexdigest()
        assert await house.store.put_blob(data) == digest
        await house.restart()
        assert await house.store.get_blob(digest) == data

    @pytest.mark.parametrize("digest", ["0" * 64, "", "../../etc/passwd", "A" * 64])
    async def test_what_was_never_kept_is_not_found(self, house: House, digest: str) -> None:
        assert await house.store.get_blob(digest) is None

    async def test_a_deleted_blob_is_gone_and_may_come_again(self, house: House) -> None:
        digest, other = await house.store.put_blob(b"gone"), await house.store.put_blob(b"stays")
        for _ in range(2):
            await house.store.delete_blob(digest)
        await house.store.delete_blob("no digest")
        assert await house.store.get_blob(digest) is None
        assert await house.store.get_blob(other) == b"stays"
        assert await house.store.put_blob(b"gone") == digest
        assert await house.store.get_blob(digest) == b"gone"
