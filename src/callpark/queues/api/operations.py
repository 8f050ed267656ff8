"""All operations of Amazon SQS, for the gateway. Called by `app.py`."""

from callpark.kernel.operations import OperationTable
from callpark.queues.api.messages import MessageOperations
from callpark.queues.api.moves import MoveOperations
from callpark.queues.api.queues import QueueOperations
from callpark.queues.service import Queues


def operations(queues: Queues) -> OperationTable:
    return {
        **QueueOperations(queues).table(),
        **MessageOperations(queues).table(),
        **MoveOperations(queues).table(),
    }
