"""The child process of the crash tests: load on a store until `CALLPARK_FAULT` kills it.

Each round puts a pair of items and a row in one commit, keeps a blob, then removes the pair or defers one of it. Before
and after each step it says so on standard output, one line per write, so that the parent knows what was acknowledged.
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from callpark.kernel.clock import SystemClock
from callpark.store.ports import Defer, Done, Put, SetRow, WorkItem
from callpark.store.sqlite import SqliteStore, writer


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def work(store: SqliteStore, numbers: "itertools.count[int]") -> None:
    for n in numbers:
        pair = [WorkItem("q", f"{n}.{half}", os.urandom(200), b"new", 0.0) for half in "ab"]
        say("putting", n)
        await store.commit([Put(pair[0]), Put(pair[1]), SetRow("pairs", str(n), b"put", revision=0)])
        say("put", n)
        if n % 7 == 0:
            say("kept", await store.put_blob(os.urandom(1_000)))
        store.lease("q", 2)
        if n % 3 == 0:
            say("removing", n)
            await store.commit([Done("q", f"{n}.a"), Done("q", f"{n}.b")])
            say("removed", n)
        elif n % 3 == 1:
            await store.commit([Defer("q", f"{n}.a", b"again", 1.0), SetRow("pairs", str(n), b"again", revision=1)])
            say("deferred", n)


async def main(directory: Path) -> None:
    writer.SEGMENT_BYTES = 8_192  # the journal turns every few commits
    store = SqliteStore.open(directory, SystemClock())
    numbers = itertools.count()
    await asyncio.gather(*(work(store, numbers) for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
