"""The operations on queues themselves: translate and call the service.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html and its kin.
"""

from collections.abc import Mapping, Sequence

from callpark.kernel.operations import Call, OperationTable
from callpark.queues import attributes, refusals
from callpark.queues.api.parameters import text, text_map, texts, url, within
from callpark.queues.model import Counts, Queue
from callpark.queues.service import Queues

_NOTHING = Counts(0, 0, 0)


class QueueOperations:
    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._administration = queues.administration

    def table(self) -> OperationTable:
        return {
            ("sqs", "CreateQueue"): self.create,
            ("sqs", "DeleteQueue"): self.delete,
            ("sqs", "ListQueues"): self.list_queues,
            ("sqs", "GetQueueUrl"): self.get_url,
            ("sqs", "GetQueueAttributes"): self.get_attributes,
            ("sqs", "SetQueueAttributes"): self.set_attributes,
            ("sqs", "PurgeQueue"): self.purge,
            ("sqs", "ListQueueTags"): self.list_tags,
            ("sqs", "TagQueue"): self.tag,
            ("sqs", "UntagQueue"): self.untag,
            ("sqs", "AddPermission"): self.add_permission,
            ("sqs", "RemovePermission"): self.remove_permission,
            ("sqs", "ListDeadLetterSourceQueues"): self.list_sources,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        name, given, tags = (
            text(parameters, "QueueName"),
            text_map(parameters, "Attributes"),
            text_map(parameters, "tags"),
        )
        return {"QueueUrl": self._queues.url(await self._administration.create(name, given, tags))}

    async def delete(self, call: Call) -> Mapping[str, object]:
        await self._administration.delete(self._queues.at(url(call)).name)
        return {}

    async def list_queues(self, call: Call) -> Mapping[str, object]:
        prefix = str(call.parameters.get("QueueNamePrefix") or "")
        found = [queue for queue in self._queues.queues() if queue.name.startswith(prefix)]
        return self._page(call, found, "QueueUrls")

    async def get_url(self, call: Call) -> Mapping[str, object]:
        owner = call.parameters.get("QueueOwnerAWSAccountId")
        if owner not in (None, "", call.place.account):
            raise refusals.no_queue()
        return {"QueueUrl": self._queues.url(self._administration.find(text(call.parameters, "QueueName")))}

    async def get_attributes(self, call: Call) -> Mapping[str, object]:
        queue = self._queues.at(url(call))
        asked = texts(call.parameters, "AttributeNames")
        wanted = attributes.asked(asked)
        counts = await self._queues.counts(queue) if attributes.wants_counts(wanted) else _NOTHING
        shown = attributes.shown(queue, counts, wanted)
        return {"Attributes": shown} if shown else {}

    async def set_attributes(self, call: Call) -> Mapping[str, object]:
        given = text_map(call.parameters, "Attributes")
        await self._administration.set_attributes(self._queues.at(url(call)).name, given)
        return {}

    async def purge(self, call: Call) -> Mapping[str, object]:
        await self._administration.purge(self._queues.at(url(call)).name)
        return {}

    async def list_tags(self, call: Call) -> Mapping[str, object]:
        tags = self._queues.at(url(call)).tags
        return {"Tags": dict(tags)} if tags else {}

    async def tag(self, call: Call) -> Mapping[str, object]:
        await self._administration.tag(self._queues.at(url(call)).name, text_map(call.parameters, "Tags"))
        return {}

    async def untag(self, call: Call) -> Mapping[str, object]:
        await self._administration.untag(self._queues.at(url(call)).name, texts(call.parameters, "TagKeys"))
        return {}

    async def add_permission(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        await self._administration.add_permission(
            self._queues.at(url(call)).name,
            text(parameters, "Label"),
            texts(parameters, "AWSAccountIds"),
            texts(parameters, "Actions"),
        )
        return {}

    async def remove_permission(self, call: Call) -> Mapping[str, object]:
        await self._administration.remove_permission(self._queues.at(url(call)).name, text(call.parameters, "Label"))
        return {}

    async def list_sources(self, call: Call) -> Mapping[str, object]:
        sources = self._administration.sources(self._queues.at(url(call)))
        return {"queueUrls": [], **self._page(call, sources, "queueUrls")}

    def _page(self, call: Call, queues: Sequence[Queue], member: str) -> dict[str, object]:
        """One page, and the token of the next: the last name of this one. Without MaxResults AWS gives no token."""
        most = self._queues.limits.list_results
        limit = within(call.parameters, "MaxResults", 1, most, f"Must be between 1 and {most}, if provided.")
        after = str(call.parameters.get("NextToken") or "")
        rest = [queue for queue in queues if queue.name > after]
        page = rest[: limit or most]
        answer: dict[str, object] = {}
        if page:
            answer[member] = [self._queues.url(queue) for queue in page]
        if limit is not None and len(page) < len(rest):
            answer["NextToken"] = page[-1].name
        return answer
