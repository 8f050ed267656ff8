"""All operations of AWS Lambda that callpark serves, for the gateway. Called by `app.py`."""

from callpark.functions.api.concurrency import ConcurrencyOperations
from callpark.functions.api.event_invoke_config import EventInvokeConfigOperations
from callpark.functions.api.functions import FunctionOperations
from callpark.functions.api.invoke import InvokeOperations
from callpark.functions.api.tags import TagOperations
from callpark.functions.service import Functions
from callpark.kernel.operations import OperationTable


def operations(functions: Functions) -> OperationTable:
    return {
        **InvokeOperations(functions).table(),
        **FunctionOperations(functions).table(),
        **EventInvokeConfigOperations(functions).table(),
        **ConcurrencyOperations(functions).table(),
        **TagOperations(functions).table(),
    }
