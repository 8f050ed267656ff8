"""Message move tasks: translate and call the service.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

from collections.abc import Mapping

from callpark.kernel.operations import Call, OperationTable
from callpark.queues.api.parameters import number, text
from callpark.queues.api.shapes import task_members
from callpark.queues.service import Queues


class MoveOperations:
    def __init__(self, queues: Queues) -> None:
        self._moves = queues.moves

    def table(self) -> OperationTable:
        return {
            ("sqs", "StartMessageMoveTask"): self.start,
            ("sqs", "CancelMessageMoveTask"): self.cancel,
            ("sqs", "ListMessageMoveTasks"): self.list_tasks,
        }

    async def start(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        destination = parameters.get("DestinationArn")
        task = await self._moves.start(
            text(parameters, "SourceArn"),
            str(destination) if destination else None,
            number(parameters, "MaxNumberOfMessagesPerSecond"),
        )
        return {"TaskHandle": task.handle}

    async def cancel(self, call: Call) -> Mapping[str, object]:
        task = await self._moves.cancel(text(call.parameters, "TaskHandle"))
        return {"ApproximateNumberOfMessagesMoved": task.moved}

    async def list_tasks(self, call: Call) -> Mapping[str, object]:
        limit = number(call.parameters, "MaxResults")
        tasks = self._moves.latest(text(call.parameters, "SourceArn"), 1 if limit is None else limit)
        return {"Results": [task_members(task) for task in tasks]}
