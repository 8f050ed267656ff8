"""Lines of a group in order, chunk by chunk, no more of them than are asked for.

Called by `service.py`. Chunks overlap in time where clients brought older lines, so lines wait in a heap until no later
chunk can hold an earlier one.
"""

import heapq
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from callpark.logs.model import ChunkInfo, Line, Selection

Load = Callable[[ChunkInfo], Awaitable[Sequence[Line]]]


async def forwards(
    closed: Sequence[ChunkInfo], growing: Sequence[Line], wanted: Selection, load: Load
) -> AsyncIterator[Line]:
    """The wanted lines, oldest first."""
    chunks = sorted((info for info in closed if wanted.may_touch(info)), key=lambda info: info.first)
    waiting = [(line.at, line.sequence, line) for line in growing if wanted.has(line)]
    heapq.heapify(waiting)
    for info in chunks:
        while waiting and waiting[0][0] < info.first:
            yield heapq.heappop(waiting)[2]
        for line in await load(info):
            if wanted.has(line) and line.stream in info.streams:
                heapq.heappush(waiting, (line.at, line.sequence, line))
    while waiting:
        yield heapq.heappop(waiting)[2]


async def backwards(
    closed: Sequence[ChunkInfo], growing: Sequence[Line], wanted: Selection, load: Load
) -> AsyncIterator[Line]:
    """The wanted lines, newest first."""
    chunks = sorted((info for info in closed if wanted.may_touch(info)), key=lambda info: -info.last)
    waiting = [(-line.at, -line.sequence, line) for line in growing if wanted.has(line)]
    heapq.heapify(waiting)
    for info in chunks:
        while waiting and -waiting[0][0] > info.last:
            yield heapq.heappop(waiting)[2]
        for line in await load(info):
            if wanted.has(line) and line.stream in info.streams:
                heapq.heappush(waiting, (-line.at, -line.sequence, line))
    while waiting:
        yield heapq.heappop(waiting)[2]
