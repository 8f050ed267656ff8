"""All operations of AWS Lambda that callpark serves, for the gateway. Called by `app.py`."""

from callpark.functions.api.concurrency import ConcurrencyOperations
from callpark.functions.api.event_invoke_config import EventInvokeConfigOperations
from callpark.functions.api.event_source_mappings import EventSourceMappingOperations
from callpark.functions.api.functions import FunctionOperations
from callpark.functions.api.invoke import InvokeOperations
from callpark.functions.api.layers import LayerOperations
from callpark.functions.api.policies import PolicyOperations
from callpark.functions.api.presentation import Presentation
from callpark.functions.api.settings import SettingOperations
from callpark.functions.api.stream import StreamOperations
from callpark.functions.api.tags import TagOperations
from callpark.functions.api.urls import UrlOperations
from callpark.functions.api.versions import VersionOperations
from callpark.functions.service import Functions
from callpark.kernel.operations import OperationTable


def operations(functions: Functions) -> OperationTable:
    presentation = Presentation(functions)
    return {
        **InvokeOperations(functions).table(),
        **StreamOperations(functions).table(),
        **FunctionOperations(functions, presentation).table(),
        **VersionOperations(functions, presentation).table(),
        **EventInvokeConfigOperations(functions).table(),
        **EventSourceMappingOperations(functions).table(),
        **ConcurrencyOperations(functions).table(),
        **PolicyOperations(functions).table(),
        **UrlOperations(functions).table(),
        **LayerOperations(functions, presentation).table(),
        **SettingOperations(functions).table(),
        **TagOperations(functions).table(),
    }
