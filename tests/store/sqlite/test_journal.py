"""The journal's file: whole records in order, nothing torn, nothing from a former turn."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callpark.store.sqlite.journal import CHUNK_BYTES, NAMES, Journal, read_back

pytestmark = pytest.mark.unit


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path, None)


def test_records_come_back_in_order_from_both_segments(tmp_path: Path, journal: Journal) -> None:
    for number in range(1, 4):
        journal.append(number, b"%d" % number)
    journal.turn()
    journal.append(4, b"4")
    assert read_back(tmp_path, 0) == [(1, b"1"), (2, b"2"), (3, b"3"), (4, b"4")]
    assert read_back(tmp_path, 3) == [(4, b"4")]
    assert read_back(tmp_path, 4) == []
    journal.close()


def test_without_files_there_are_no_records(tmp_path: Path) -> None:
    assert read_back(tmp_path, 7) == []


def test_a_former_turn_gives_itself_away(tmp_path: Path, journal: Journal) -> None:
    """Records of one size, so that those of the turn before last stand whole behind the last one."""
    for number in range(1, 10):
        journal.append(number, b"same")
    journal.turn()
    journal.append(10, b"same")
    journal.turn()
    journal.append(11, b"same")
    assert read_back(tmp_path, 9) == [(10, b"same"), (11, b"same")]
    journal.close()


@pytest.mark.parametrize("harm", [lambda data: data[:-1] + b"?", lambda data: data[:-1], lambda data: data[:9]])
def test_a_torn_tail_is_no_record(tmp_path: Path, journal: Journal, harm: object) -> None:
    journal.append(1, b"first")
    journal.append(2, b"second")
    journal.close()
    segment = tmp_path / NAMES[0]
    data = segment.read_bytes()[: journal.size]
    second = data.index(b"second") - 16
    segment.write_bytes(data[:second] + harm(data[second:]))  # type: ignore[operator]
    assert read_back(tmp_path, 0) == [(1, b"first")]


def test_a_gap_is_damage(tmp_path: Path, journal: Journal) -> None:
    journal.append(1, b"first")
    journal.turn()
    journal.append(2, b"second")
    journal.close()
    (tmp_path / NAMES[0]).write_bytes(b"")
    with pytest.raises(ValueError, match="do not follow number 0 without a gap"):
        read_back(tmp_path, 0)
    assert read_back(tmp_path, 1) == [(2, b"second")]


def test_a_segment_grows_in_chunks_and_is_used_again(tmp_path: Path, journal: Journal) -> None:
    for number in range(1, 5):
        journal.append(number, bytes(CHUNK_BYTES // 2))
    sizes = [(tmp_path / name).stat().st_size for name in NAMES if (tmp_path / name).exists()]
    assert sizes == [3 * CHUNK_BYTES]
    journal.turn()
    journal.turn()
    journal.append(5, b"again")
    assert (tmp_path / NAMES[0]).stat().st_size == 3 * CHUNK_BYTES
    assert read_back(tmp_path, 4) == [(5, b"again")]
    journal.close()


def test_a_record_that_could_not_be_written_is_never_taken_for_one(
    tmp_path: Path, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes reach the disk, the flush fails, and the disk cannot even erase them before the segment ends."""
    pwrite = os.pwrite
    journal.append(1, b"good")

    def fails(descriptor: int, data: bytes, position: int) -> int:
        if any(data):
            pwrite(descriptor, data, position)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pwrite", fails)
    with pytest.raises(OSError, match="Input/output"):
        journal.append(2, b"bad")
    with pytest.raises(OSError, match="Input/output"):
        journal.turn()
    monkeypatch.undo()
    assert read_back(tmp_path, 0) == [(1, b"good"), (2, b"bad")], "what a crash now would leave"
    journal.turn()
    journal.append(2, b"better")
    assert read_back(tmp_path, 0) == [(1, b"good"), (2, b"better")]
    journal.close()


@settings(max_examples=50, deadline=None)
@given(
    payloads=st.lists(st.one_of(st.binary(min_size=1, max_size=40), st.none()), max_size=40),
    cut=st.integers(0, 2_000),
)
def test_any_history_read_after_any_crash_is_a_beginning_of_it(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes | None], cut: int
) -> None:
    """None turns. The current segment is cut anywhere: what comes back has no gap, and no record of an earlier turn."""
    directory = tmp_path_factory.mktemp("journal")
    journal, number, carried, current = Journal(directory, None), 0, 0, 0
    written: dict[int, bytes] = {}
    for payload in payloads:
        if payload is None:
            journal.turn()
            carried, current = number, 1 - current
        else:
            number += 1
            journal.append(number, payload)
            written[number] = payload
    journal.close()
    segment = directory / NAMES[current]
    if segment.exists():
        os.truncate(segment, min(cut, segment.stat().st_size))
    found = read_back(directory, carried)
    assert found == [(n, written[n]) for n in range(carried + 1, carried + 1 + len(found))]
    if cut >= journal.size:
        assert len(found) == number - carried
