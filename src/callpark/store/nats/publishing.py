"""Messages as the servers take them: one alone, or several that are stored together or not at all (an atomic batch).

Called by the writer and by whoever writes dead nodes' journals down. The names of headers are those of NATS.
"""

from collections.abc import Sequence

from callpark.store.nats.connection import Connection
from callpark.store.nats.folding import Write
from callpark.store.nats.records import HEADER, spelled

EXPECTED = "Nats-Expected-Last-Subject-Sequence"
AMONG = "Nats-Expected-Last-Subject-Sequence-Subject"
TTL = "Nats-TTL"

#: How long the servers remember that something is gone: longer than any follower is behind.
TOMBSTONE = "60s"

_BATCH, _BATCH_SEQUENCE, _BATCH_COMMIT = "Nats-Batch-Id", "Nats-Batch-Sequence", "Nats-Batch-Commit"


async def publish(connection: Connection, writes: Sequence[Write], token: str, batch: str) -> int:
    """The sequence of the last message. `batch` is the name of this attempt. Raises Unanswered, WrongSequence and
    Refused."""
    if len(writes) == 1:
        return (await connection.request(writes[0].subject, writes[0].payload, _headers(writes[0], token))).seq
    for number, write in enumerate(writes, 1):
        headers = _headers(write, token)
        headers[_BATCH] = batch
        headers[_BATCH_SEQUENCE] = str(number)
        if number < len(writes):
            await connection.publish(write.subject, write.payload, headers)
    headers[_BATCH_COMMIT] = "1"
    return (await connection.request(write.subject, write.payload, headers)).seq


def _headers(write: Write, token: str) -> dict[str, str]:
    headers = {HEADER: spelled(token, write.head)}
    if write.expected is not None:
        headers[EXPECTED] = str(write.expected)
    if write.among is not None:
        headers[AMONG] = write.among
    if write.head is None:
        headers[TTL] = TOMBSTONE
    return headers
