"""All operations of Amazon CloudWatch Logs that callpark serves, for the gateway. Called by `app.py`.

Any other, StartLiveTail and StartQuery among them, is refused by the gateway by name.
"""

from callpark.kernel.operations import OperationTable
from callpark.logs.api.events import EventOperations
from callpark.logs.api.groups import GroupOperations
from callpark.logs.service import Logs


def operations(logs: Logs) -> OperationTable:
    return {**GroupOperations(logs).table(), **EventOperations(logs).table()}
