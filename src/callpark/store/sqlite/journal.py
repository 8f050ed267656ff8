"""The journal: what makes a commit durable before the database has it. For a batch one write, flushed by the same call.

Two segment files are written in turns. `append` adds a record to the current one; `turn` begins the other one from its
start, once what that one held is in the database. Records are numbered without gaps, so those of a former turn, which
stand behind the last one of this turn, give themselves away. Called by `backlog.py`; `read_back` when the store is
opened.

A record is: bytes of payload, CRC-32 of number and payload (32 bits each), number (64 bits), payload; little-endian.
"""

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from callpark.store.sqlite.directory import sync_directory
from callpark.store.sqlite.faults import FaultHook, pass_by

NAMES = ("journal-0", "journal-1")

#: A segment grows by this much, filled with zeros: a flush within a file's size need not write its inode.
CHUNK_BYTES = 262_144

_HEADER = struct.Struct("<IIQ")
_ERASED = bytes(_HEADER.size)


class Journal:
    """`size` is how far the current segment is filled, in bytes."""

    def __init__(self, directory: Path, fault: FaultHook | None) -> None:
        self._directory = directory
        self._fault = fault
        self._current = 0
        self._descriptors: dict[int, int] = {}
        self._lengths = [0, 0]
        self._torn = False
        self.size = 0

    def append(self, number: int, payload: bytes) -> None:
        """The record is on disk on return. Raises OSError; then it is not there, not even after a crash, unless the
        disk refuses to erase it as well."""
        record = _HEADER.pack(len(payload), _checksum(number, payload), number) + payload
        self._torn = True
        try:
            descriptor = self._room_for(len(record))
            if self._fault is not None:
                _write(descriptor, record[: len(record) // 2], self.size)
                pass_by(self._fault, "within_commit")
            _write(descriptor, record, self.size)
        except BaseException:
            with contextlib.suppress(OSError):
                self._erase()
            raise
        self._torn = False
        self.size += len(record)

    def turn(self) -> None:
        """Go on with the other segment, from its start. Raises OSError."""
        if self._torn:
            self._erase()
        self._current = 1 - self._current
        self.size = 0

    def close(self) -> None:
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors.clear()

    def _room_for(self, length: int) -> int:
        """The descriptor of the current segment, which is long enough for a record of `length` bytes."""
        current = self._current
        descriptor = self._descriptors.get(current)
        if descriptor is None:
            path = self._directory / NAMES[current]
            descriptor = self._descriptors[current] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_DSYNC, 0o600)
            self._lengths[current] = os.fstat(descriptor).st_size
            sync_directory(self._directory)
        missing = self.size + length - self._lengths[current]
        if missing > 0:
            added = -(-missing // CHUNK_BYTES) * CHUNK_BYTES
            _write(descriptor, bytes(added), self._lengths[current])
            self._lengths[current] += added
        return descriptor

    def _erase(self) -> None:
        """Make sure that a record which could not be written whole is never taken for one."""
        descriptor = self._descriptors.get(self._current)
        if descriptor is not None:
            _write(descriptor, _ERASED, self.size)
        self._torn = False


def read_back(directory: Path, applied: int) -> list[tuple[int, bytes]]:
    """(number, payload) of the records after number `applied`, in order. Raises OSError, and ValueError when some are
    missing."""
    found: dict[int, bytes] = {}
    for name in NAMES:
        with contextlib.suppress(FileNotFoundError):
            found.update(_records((directory / name).read_bytes()))
    numbers = sorted(number for number in found if number > applied)
    if numbers and numbers != list(range(applied + 1, applied + 1 + len(numbers))):
        raise ValueError(f"records {numbers[0]} to {numbers[-1]} do not follow number {applied} without a gap")
    return [(number, found[number]) for number in numbers]


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Up to the first that is torn, or left over from a former turn."""
    start, following = 0, None
    while len(data) - start > _HEADER.size:
        length, checksum, number = _HEADER.unpack_from(data, start)
        start += _HEADER.size
        payload = data[start : start + length]
        if len(payload) < length or checksum != _checksum(number, payload):
            return
        if number != (following or number) or not number:
            return
        yield number, payload
        start += length
        following = number + 1


def _checksum(number: int, payload: bytes) -> int:
    return zlib.crc32(payload, number & 0xFFFFFFFF)


def _write(descriptor: int, data: bytes, position: int) -> None:
    """All of it. Raises OSError."""
    while data:
        written = os.pwrite(descriptor, data, position)
        data = data[written:]
        position += written
