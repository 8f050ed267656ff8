"""Message move tasks: messages of a dead-letter queue on their way back, durable and on the clock.

Made by the service. Each step moves a batch and counts it in one commit; a task that was running goes on after a
restart. A moved message is a new one: new id, sent now, never received (SQSDeveloperGuide, dead-letter queue redrive).
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
import orjson

from callpark.kernel.clock import sleep
from callpark.kernel.errors import CallerError
from callpark.queues import messages, refusals
from callpark.queues.catalogue import Catalogue
from callpark.queues.delivery.world import Delivery, QueueWorld, Taken
from callpark.queues.model import MessageState, Queue
from callpark.store.ports import Change, DeleteRow, Done, SetRow, StoreFailure

_TABLE = "sqs-moves"


class MoveTask(msgspec.Struct, frozen=True):
    """`destination_arn` None: each message's own source. `rate`: messages a second, None for as fast as it goes."""

    id: str
    source_arn: str
    destination_arn: str | None
    rate: int | None
    to_move: int
    started_at: float
    status: Literal["RUNNING", "COMPLETED", "CANCELLED", "FAILED"] = "RUNNING"
    moved: int = 0
    failure: str | None = None

    @property
    def handle(self) -> str:
        return base64.b64encode(orjson.dumps({"taskId": self.id, "sourceArn": self.source_arn})).decode()


class _Stuck(Exception):
    """The task cannot go on; the text is AWS's FailureReason."""


class Moves:
    """`sources` gives the queues whose dead-letter queue is the given one."""

    def __init__(self, world: QueueWorld, catalogue: Catalogue, sources: Callable[[Queue], Sequence[Queue]]) -> None:
        self._world = world
        self._catalogue = catalogue
        self._sources = sources
        self._tasks: dict[str, MoveTask] = {}
        self._moving: set[str] = set()
        self._held: Callable[[str], bool] = lambda name: True

    async def take_up(self, held: Callable[[str], bool]) -> None:
        """Go on with the tasks whose source, a queue by name, is held here."""
        self._held = held
        for row in await self._world.store.scan(_TABLE):
            task = msgspec.json.decode(row.value, type=MoveTask)
            if task.id in self._moving:
                continue
            self._tasks[task.id] = task
            if task.status == "RUNNING" and self._is_held(task):
                self._run(task)

    async def start(self, source_arn: str, destination_arn: str | None, rate: int | None) -> MoveTask:
        """Raises CallerError."""
        source = self._queue(source_arn, "SourceArn")
        destination = None if destination_arn is None else self._queue(destination_arn, "DestinationArn")
        if destination is not None and destination.fifo != source.fifo:
            raise refusals.invalid_parameter("The source queue and destination queue must be of the same queue type.")
        if not self._sources(source):
            raise refusals.invalid_parameter("Source queue must be configured as a Dead Letter Queue.")
        most = self._world.limits.move_messages_per_second
        if rate is not None and not 1 <= rate <= most:
            reason = f"Must be between 1 and {most}, if provided."
            raise refusals.invalid_value(rate, "MaxNumberOfMessagesPerSecond", reason)
        if any(task.status == "RUNNING" for task in self._of(source_arn)):
            raise refusals.invalid_parameter(
                "There is already a task running. Only one active task is allowed for a source queue arn at a given "
                "time."
            )
        delivery = self._world.delivery(source_arn)
        if delivery is None:
            raise refusals.no_resource("SourceArn")
        task = MoveTask(
            id=self._world.ids.uuid(),
            source_arn=source_arn,
            destination_arn=destination_arn,
            rate=rate,
            to_move=0,
            started_at=self._world.clock.now(),
        )
        self._tasks[task.id] = task  # from here on there is one
        try:
            task = msgspec.structs.replace(task, to_move=(await delivery.counts()).visible)
            await self._keep(task)
        except BaseException:
            del self._tasks[task.id]
            raise
        self._run(task)
        return task

    async def cancel(self, handle: str) -> MoveTask:
        """Raises CallerError."""
        task_id, source_arn = _read_handle(handle)
        self._queue(source_arn, "SourceArn")
        task = self._tasks.get(task_id)
        if task is None or task.source_arn != source_arn:
            raise refusals.no_task()
        if task.status != "RUNNING":
            raise refusals.unsupported(f"Only active tasks can be cancelled; this one is {task.status}.")
        cancelled = self._tasks[task_id] = msgspec.structs.replace(task, status="CANCELLED")  # before its next step
        try:
            await self._keep(cancelled)
        except CallerError:
            self._tasks[task_id] = task
            raise
        return cancelled

    def latest(self, source_arn: str, limit: int) -> Sequence[MoveTask]:
        """The latest tasks of a source first. Raises CallerError."""
        self._queue(source_arn, "SourceArn")
        most = self._world.limits.listed_move_tasks
        if not 1 <= limit <= most:
            raise refusals.invalid_value(limit, "MaxResults", f"Must be between 1 and {most}, if provided.")
        return self._of(source_arn)[:limit]

    # Inside

    def _of(self, source_arn: str) -> Sequence[MoveTask]:
        found = [task for task in self._tasks.values() if task.source_arn == source_arn]
        return sorted(found, key=lambda task: task.started_at, reverse=True)

    def _queue(self, arn: str, parameter: str) -> Queue:
        queue = self._catalogue.by_arn(arn)
        if queue is None:
            raise refusals.no_resource(parameter)
        return queue

    async def _keep(self, task: MoveTask, changes: Sequence[Change] = ()) -> None:
        """Durable with what it moved, then seen. Raises CallerError."""
        forgotten = self._of(task.source_arn)[self._world.limits.listed_move_tasks :]
        removals: list[Change] = [DeleteRow(_TABLE, old.id) for old in forgotten]
        try:
            await self._world.store.commit([*changes, SetRow(_TABLE, task.id, msgspec.json.encode(task)), *removals])
        except StoreFailure as failure:
            raise refusals.unavailable(str(failure)) from failure
        self._tasks[task.id] = task
        for old in forgotten:
            self._tasks.pop(old.id, None)

    def _run(self, task: MoveTask) -> None:
        self._moving.add(task.id)
        moving = self._world.tasks.spawn(self._move(task.id), f"moving messages of {task.source_arn}")
        moving.add_done_callback(lambda _: self._moving.discard(task.id))

    def _is_held(self, task: MoveTask) -> bool:
        source = self._catalogue.by_arn(task.source_arn)
        return source is None or self._held(source.name)

    async def _move(self, task_id: str) -> None:
        world = self._world
        while (task := self._tasks[task_id]).status == "RUNNING" and self._is_held(task):
            if task.rate is not None:
                await sleep(world.clock, 1.0, f"move task {task_id}")
                task = self._tasks[task_id]
            if task.status != "RUNNING":
                return
            source = world.delivery(task.source_arn)
            limit = min(task.rate or world.limits.move_batch, task.to_move - task.moved)
            taken = source.take(limit) if source is not None and limit > 0 else ()
            if source is None or not taken:
                await self._end(task_id, "COMPLETED" if source is not None else "FAILED", None)
                return
            try:
                changes = self._changes(task, taken)
            except _Stuck as stuck:
                source.give_back(taken)
                await self._end(task_id, "FAILED", str(stuck))
                return
            await self._step(task_id, source, taken, changes)

    async def _step(self, task_id: str, source: Delivery, taken: Sequence[Taken], changes: Sequence[Change]) -> None:
        task = msgspec.structs.replace(self._tasks[task_id], moved=self._tasks[task_id].moved + len(taken))
        self._tasks[task_id] = task
        await self._world.persist([*changes, SetRow(_TABLE, task_id, msgspec.json.encode(task))])
        source.gone([one.message_id for one in taken])

    def _changes(self, task: MoveTask, taken: Sequence[Taken]) -> list[Change]:
        world, now = self._world, self._world.clock.now()
        source = self._catalogue.by_arn(task.source_arn)
        changes = list[Change]()
        for one in taken:
            target_arn = task.destination_arn or one.message.source_arn
            if target_arn is None:
                raise _Stuck("CouldNotDetermineMessageSource")
            target = world.delivery(target_arn)
            if target is None or source is None:
                raise _Stuck("AWS.SimpleQueueService.NonExistentQueue")
            put = target.adopt(world.ids.uuid(), messages.redriven(one.message, now), MessageState())
            changes += (put, Done(source.store_queue, one.message_id))
        return changes

    async def _end(self, task_id: str, status: Literal["COMPLETED", "FAILED"], failure: str | None) -> None:
        task = self._tasks[task_id]
        if task.status == "RUNNING":
            ended = msgspec.structs.replace(task, status=status, failure=failure)
            self._tasks[task_id] = ended
            await self._world.persist([SetRow(_TABLE, task_id, msgspec.json.encode(ended))])


def _read_handle(handle: str) -> tuple[str, str]:
    try:
        values = orjson.loads(base64.b64decode(handle, validate=True))
        return str(values["taskId"]), str(values["sourceArn"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        raise refusals.invalid_parameter("Value for parameter TaskHandle is invalid.") from None
