"""Siblings that go to a function together: the payloads of one field, gathered up to `maxBatchSize`.

Used by `step.py`. The first sibling of a batch leads: it waits until the event loop has started all others of its
level, asks once for all, and hands each its part. Nothing runs in the background: who cancels the request cancels the
batch.
https://docs.aws.amazon.com/appsync/latest/devguide/tutorial-lambda-resolvers.html, "Advanced use case: batching"
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence

from callpark.graphql.batches import Batch
from callpark.graphql.datasources.lambda_ import LambdaSource
from callpark.graphql.datasources.port import DataSource, Outcome
from callpark.graphql.execution import Execution

Send = Callable[[Sequence[object]], Awaitable[Sequence[Outcome]]]
"""Asks for all payloads at once; one outcome for each, in order."""

_TURNS = 3
"""Turns of the event loop that a batch stays open. A sibling is started in the turn after its list was completed, and
the lists of one level are completed in the turn after the batch they came from."""


async def ask(
    source: DataSource, request: Mapping[str, object], deadline: float, execution: Execution, step: Hashable, most: int
) -> Outcome:
    """The data source's outcome for one request; a BatchInvoke of a step that batches is joined with its siblings'."""
    if most <= 0 or not isinstance(source, LambdaSource) or request.get("operation") != "BatchInvoke":
        return await source.call(request, deadline)
    kind = source.invocation_type(request)

    async def send(payloads: Sequence[object]) -> Sequence[Outcome]:
        return await source.call_batch(payloads, kind, deadline)

    return await gathered(execution, (step, kind), request.get("payload"), most, send)


async def gathered(execution: Execution, key: Hashable, payload: object, most: int, send: Send) -> Outcome:
    """The payload's own outcome of a batch of at most `most`. Raises what `send` raises, for every member."""
    loop = asyncio.get_running_loop()
    batches = execution.batches
    batch = batches.get(key)
    if batch is not None:
        mine: asyncio.Future[Outcome] = loop.create_future()
        batch.payloads.append(payload)
        batch.followers.append(mine)
        if len(batch.payloads) >= most:
            _close(batches, key, batch)
        return await mine
    batch = Batch(loop.create_future(), [payload])
    if most > 1:
        batches[key] = batch
        _close_later(loop, batches, key, batch, _TURNS)
        await batch.closed
    return await _lead(batch, send)


async def _lead(batch: Batch, send: Send) -> Outcome:
    try:
        outcomes = await send(batch.payloads)
    except BaseException as error:
        for follower in batch.followers:
            if follower.done():
                continue
            if isinstance(error, Exception):
                follower.set_exception(error)
            else:
                follower.cancel()
        raise
    for follower, outcome in zip(batch.followers, outcomes[1:], strict=True):
        if not follower.done():
            follower.set_result(outcome)
    return outcomes[0]


def _close_later(
    loop: asyncio.AbstractEventLoop, batches: dict[Hashable, Batch], key: Hashable, batch: Batch, turns: int
) -> None:
    if turns == 0:
        _close(batches, key, batch)
    else:
        loop.call_soon(_close_later, loop, batches, key, batch, turns - 1)


def _close(batches: dict[Hashable, Batch], key: Hashable, batch: Batch) -> None:
    if batches.get(key) is batch:
        del batches[key]
    if not batch.closed.done():
        batch.closed.set_result(None)
