"""Which contacts and message sources this node holds, as the flows and functions slices ask."""

from collections.abc import Callable, Sequence

from callpark.cluster.node import Node
from callpark.cluster.placement import contact_key
from callpark.clustered.service import Clustered
from callpark.functions.sources.ports import MessageSource, SourceMessage, SourceQueue


class ContactsOfNode:
    """`flows.custody.Custody`."""

    def __init__(self, node: Node) -> None:
        self._node = node

    @property
    def life(self) -> str:
        return self._node.me.id

    def gone(self, life: str) -> bool:
        return self._node.gone(life)

    def holds(self, contact_id: str) -> bool:
        return self._node.holds(contact_key(contact_id))


class SourceOfNode:
    """`functions.sources.ports.MessageSource`: messages whose queue has changed hands meanwhile are deleted where it
    is."""

    def __init__(self, here: MessageSource, clustered: Clustered) -> None:
        self._here = here
        self._clustered = clustered

    def queue(self, queue_arn: str) -> SourceQueue | None:
        return self._here.queue(queue_arn)

    async def receive(self, queue_arn: str, limit: int) -> Sequence[SourceMessage]:
        return await self._here.receive(queue_arn, limit)

    async def delete(self, queue_arn: str, receipt_handles: Sequence[str]) -> None:
        if self._clustered.has_queue(queue_arn):
            await self._here.delete(queue_arn, receipt_handles)
        else:
            await self._clustered.delete(queue_arn, receipt_handles)

    def watch(self, queue_arn: str, callback: Callable[[], None]) -> Callable[[], None]:
        return self._here.watch(queue_arn, callback)
