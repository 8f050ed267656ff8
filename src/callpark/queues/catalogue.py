"""All queues by name: in memory for reading, in the store's table `sqs-queues` for the next start.

Called by `service.py` and `administration.py`. A project's queues are stored too, because their messages are. A change
is seen once it is durable.
"""

from collections.abc import Iterator, Sequence

import msgspec

from callpark.kernel.arn import Place
from callpark.kernel.limits import SqsLimits
from callpark.queues import attributes, names
from callpark.queues.model import Queue
from callpark.store.ports import Change, DeleteRow, SetRow, Store

_TABLE = "sqs-queues"


class _Record(msgspec.Struct, frozen=True):
    """A queue as it is kept."""

    incarnation: str
    created_at: float
    modified_at: float
    attributes: dict[str, str] = {}
    tags: dict[str, str] = {}
    generation: int = 0
    purged_at: float | None = None
    declared: bool = False


class Catalogue:
    def __init__(self, store: Store, place: Place, limits: SqsLimits) -> None:
        self._store = store
        self._place = place
        self._limits = limits
        self._queues: dict[str, Queue] = {}

    async def load(self) -> None:
        """What the store holds now; queues that did not change stay the same values."""
        found: dict[str, Queue] = {}
        for row in await self._store.scan(_TABLE):
            queue, known = self._queue(row.key, msgspec.json.decode(row.value, type=_Record)), self._queues.get(row.key)
            found[row.key] = known if known == queue else queue
        self._queues = found

    def get(self, name: str) -> Queue | None:
        return self._queues.get(name)

    def by_arn(self, arn: str) -> Queue | None:
        name = names.name_in_arn(arn, self._place)
        return None if name is None else self._queues.get(name)

    def __iter__(self) -> Iterator[Queue]:
        """By name."""
        return iter([self._queues[name] for name in sorted(self._queues)])

    def arn(self, name: str) -> str:
        return self._place.arn("sqs", name)

    async def keep(self, queues: Sequence[Queue], removed: Sequence[str] = (), also: Sequence[Change] = ()) -> None:
        """Put queues in the place of those with their names and remove others, durably and at once; `also` goes into
        the same commit. Raises StoreFailure."""
        changes: list[Change] = [SetRow(_TABLE, queue.name, _record(queue)) for queue in queues]
        changes += [DeleteRow(_TABLE, name) for name in removed]
        await self._store.commit([*changes, *also])
        for queue in queues:
            self._queues[queue.name] = queue
        for name in removed:
            self._queues.pop(name, None)

    def _queue(self, name: str, record: _Record) -> Queue:
        return Queue(
            name=name,
            arn=self.arn(name),
            fifo=record.attributes.get("FifoQueue") == "true",
            incarnation=record.incarnation,
            created_at=record.created_at,
            modified_at=record.modified_at,
            attributes=record.attributes,
            settings=attributes.settings(record.attributes, self._limits),
            tags=record.tags,
            generation=record.generation,
            purged_at=record.purged_at,
            declared=record.declared,
        )


def _record(queue: Queue) -> bytes:
    return msgspec.json.encode(
        _Record(
            incarnation=queue.incarnation,
            created_at=queue.created_at,
            modified_at=queue.modified_at,
            attributes=dict(queue.attributes),
            tags=dict(queue.tags),
            generation=queue.generation,
            purged_at=queue.purged_at,
            declared=queue.declared,
        )
    )
