"""The child process of the crash test: senders and receivers on a standard and a FIFO queue until it is killed.

`CALLPARK_FAULT` says where. Before and after each step it says so on standard output, so that the parent knows what was
acknowledged.
"""

import asyncio
import itertools
import os
import sys
from pathlib import Path

from callpark.kernel.arn import Place
from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import SqsLimits
from callpark.queues.model import Queue, Submission
from callpark.queues.service import Queues
from callpark.store.sqlite import SqliteStore

NAMES = ("work", "work.fifo")
LONG = 40_000
"""Visibility of what is received, in seconds: until after the test."""


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def opened(directory: Path) -> Queues:
    store = SqliteStore.open(directory, SystemClock())
    queues = Queues(
        clock=SystemClock(), ids=SystemIds(), limits=SqsLimits(), place=Place(), store=store, base_url="http://test"
    )
    await queues.start()
    return queues


async def send(queues: Queues, queue: Queue, numbers: "itertools.count[int]") -> None:
    for number in numbers:
        group = f"g{number % 5}" if queue.fifo else None
        body = f"{queue.name}:{number}"
        say("sending", body)
        submission = Submission(body=body, group=group, deduplication=body if queue.fifo else None)
        await queues.send(queue, [submission])
        say("sent", body)


async def receive(queues: Queues, queue: Queue) -> None:
    while True:
        for received in await queues.receive(queue, 3, 20, LONG):
            body = received.message.body
            say("received", body)
            if int(body.rpartition(":")[2]) % 3:
                say("deleting", body)
                await queues.delete(queue, [received.receipt_handle])
                say("deleted", body)


async def main(directory: Path) -> None:
    queues = await opened(directory)
    work = []
    for name in NAMES:
        attributes = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        queue = await queues.administration.create(name, attributes, {})
        numbers = itertools.count()
        work += [send(queues, queue, numbers) for _ in range(3)]
        work += [receive(queues, queue) for _ in range(2)]
    await asyncio.gather(*work)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
