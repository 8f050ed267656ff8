"""A running queues slice on virtual time, called as the gateway calls it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import Ids, SeededIds
from callpark.kernel.limits import SqsLimits
from callpark.kernel.operations import Answer, Call
from callpark.queues.api.operations import operations
from callpark.queues.model import QueueDefinition
from callpark.queues.service import Queues
from callpark.store.memory import MemoryStore
from callpark.store.ports import Store

PLACE = Place()
BASE_URL = "http://127.0.0.1:4566"


@dataclass(slots=True)
class Scene:
    clock: VirtualClock
    store: Store
    ids: Ids
    limits: SqsLimits
    queues: Queues

    @classmethod
    async def open(
        cls,
        clock: VirtualClock,
        store: Store | None = None,
        limits: SqsLimits | None = None,
        ids: Ids | None = None,
    ) -> "Scene":
        store, limits, ids = store or MemoryStore(clock), limits or SqsLimits(), ids or SeededIds(1)
        scene = cls(clock, store, ids, limits, _made(clock, store, ids, limits))
        await scene.queues.start()
        return scene

    async def restart(self) -> None:
        """The process dies and comes back."""
        assert isinstance(self.store, MemoryStore)
        store = self.store.crash()
        await self.queues.close()
        self.store = store
        self.queues = _made(self.clock, store, self.ids, self.limits)
        await self.queues.start()

    async def call(self, operation: str, **parameters: object) -> dict[str, Any]:
        """The members of the answer. Raises CallerError. Time stands still but for what the call itself waits for."""
        table = operations(self.queues)
        call = Call("sqs", operation, parameters, "request", PLACE)
        answer = await self.clock.run_until(table["sqs", operation](call))
        assert not isinstance(answer, Answer)
        return dict(answer)

    async def create(self, name: str = "q", **attributes: str) -> str:
        """The URL of a new queue."""
        return str((await self.call("CreateQueue", QueueName=name, Attributes=attributes))["QueueUrl"])

    async def fifo(self, name: str = "q.fifo", **attributes: str) -> str:
        return await self.create(name, **{"FifoQueue": "true", **attributes})

    async def send(self, url: str, body: str, **members: object) -> dict[str, Any]:
        return await self.call("SendMessage", QueueUrl=url, MessageBody=body, **members)

    async def receive(self, url: str, limit: int = 10, **members: object) -> list[dict[str, Any]]:
        """Messages with all their attributes, without waiting."""
        asked: Mapping[str, object] = {
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
            "WaitTimeSeconds": 0,
            **members,
        }
        found = await self.call("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=limit, **asked)
        return list(found.get("Messages", []))

    async def bodies(self, url: str, limit: int = 10, **members: object) -> list[str]:
        return [message["Body"] for message in await self.receive(url, limit, **members)]

    async def delete(self, url: str, message: Mapping[str, Any]) -> None:
        await self.call("DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    async def change(self, url: str, message: Mapping[str, Any], seconds: int) -> None:
        await self.call(
            "ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
        )

    async def attributes(self, url: str, *names: str) -> dict[str, str]:
        found = await self.call("GetQueueAttributes", QueueUrl=url, AttributeNames=list(names) or ["All"])
        return dict(found.get("Attributes", {}))

    async def counts(self, url: str) -> tuple[int, int, int]:
        """Visible, in flight, delayed."""
        found = await self.attributes(url)
        name = "ApproximateNumberOfMessages"
        return int(found[name]), int(found[f"{name}NotVisible"]), int(found[f"{name}Delayed"])

    async def declare(self, *definitions: QueueDefinition) -> list[str]:
        return await self.queues.apply(definitions)


def arn(name: str) -> str:
    return PLACE.arn("sqs", name)


def _made(clock: VirtualClock, store: Store, ids: Ids, limits: SqsLimits) -> Queues:
    return Queues(clock=clock, ids=ids, limits=limits, place=PLACE, store=store, base_url=BASE_URL)
