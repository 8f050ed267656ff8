"""All operations of Amazon Bedrock that callpark serves, for the gateway: its runtime's, and what models there are.
Called by `app.py`.

Any other (asynchronous invocations, guardrails, speech both ways) is refused by the gateway by name.
"""

from callpark.kernel.clock import Clock
from callpark.kernel.ids import Ids
from callpark.kernel.operations import OperationTable
from callpark.kernel.trace import Trace
from callpark.models.api import foundation_models
from callpark.models.api.converse import ConverseOperations
from callpark.models.api.exchange import Exchanges
from callpark.models.api.invoke import InvokeOperations
from callpark.models.api.tokens import TokenOperations
from callpark.models.service import Models


def operations(models: Models, clock: Clock, ids: Ids, trace: Trace) -> OperationTable:
    exchanges = Exchanges(models, clock, trace)
    return {
        **ConverseOperations(exchanges).table(),
        **InvokeOperations(exchanges, ids).table(),
        **TokenOperations(exchanges).table(),
        **foundation_models.operations(models),
    }
