"""Cuts what is too much for one question or one batch. Pure; called by the writer and by `taking.py`."""

from collections.abc import Sequence


def batches(sizes: Sequence[int], messages: int, size: int) -> list[slice]:
    """Cuts a list into slices of at most so many messages and bytes, a slice of at least one."""
    found: list[slice] = []
    start = total = 0
    for position, each in enumerate(sizes):
        if position > start and (position - start >= messages or total + each > size):
            found.append(slice(start, position))
            start, total = position, 0
        total += each
    if start < len(sizes):
        found.append(slice(start, len(sizes)))
    return found
