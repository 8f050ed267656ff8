"""PutFunctionEventInvokeConfig and its family: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
"""

from collections.abc import Mapping

import msgspec

from callpark.functions import names, refusals
from callpark.functions.api.pages import page
from callpark.functions.api.parameters import converted
from callpark.functions.api.shapes import event_invoke_config_members
from callpark.functions.model import EventInvokeConfig
from callpark.functions.service import Functions
from callpark.kernel.operations import Call, OperationTable

_PAGE = 50


class _Destination(msgspec.Struct, frozen=True, rename="pascal"):
    destination: str = ""


class _Destinations(msgspec.Struct, frozen=True, rename="pascal"):
    on_success: _Destination | None = None
    on_failure: _Destination | None = None


class _Request(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str | None = None
    maximum_retry_attempts: int | None = None
    maximum_event_age_in_seconds: int | None = None
    destination_config: _Destinations | None = None

    def config(self) -> EventInvokeConfig:
        """None for a destination that was not named, empty for one that is to be removed."""
        destinations = self.destination_config or _Destinations()
        return EventInvokeConfig(
            maximum_retry_attempts=self.maximum_retry_attempts,
            maximum_event_age_seconds=self.maximum_event_age_in_seconds,
            on_success=None if destinations.on_success is None else destinations.on_success.destination,
            on_failure=None if destinations.on_failure is None else destinations.on_failure.destination,
        )


class EventInvokeConfigOperations:
    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._administration = functions.administration

    def table(self) -> OperationTable:
        return {
            ("lambda", "PutFunctionEventInvokeConfig"): self.put,
            ("lambda", "UpdateFunctionEventInvokeConfig"): self.update,
            ("lambda", "GetFunctionEventInvokeConfig"): self.get,
            ("lambda", "DeleteFunctionEventInvokeConfig"): self.delete,
            ("lambda", "ListFunctionEventInvokeConfigs"): self.list_configs,
        }

    async def put(self, call: Call) -> Mapping[str, object]:
        request = self._read(call)
        dated = await self._administration.put_event_invoke_config(
            request.function_name, request.qualifier, request.config()
        )
        return event_invoke_config_members(dated, self._qualified_arn(request))

    async def update(self, call: Call) -> Mapping[str, object]:
        request = self._read(call)
        dated = await self._administration.update_event_invoke_config(
            request.function_name, request.qualifier, request.config()
        )
        return event_invoke_config_members(dated, self._qualified_arn(request))

    async def get(self, call: Call) -> Mapping[str, object]:
        request = converted(_Request, call.parameters)
        dated = self._administration.event_invoke_config(request.function_name, request.qualifier)
        return event_invoke_config_members(dated, self._qualified_arn(request))

    async def delete(self, call: Call) -> Mapping[str, object]:
        request = converted(_Request, call.parameters)
        await self._administration.delete_event_invoke_config(request.function_name, request.qualifier)
        return {}

    async def list_configs(self, call: Call) -> Mapping[str, object]:
        name = str(call.parameters["FunctionName"])
        configs = self._administration.event_invoke_configs(name)
        found, following = page(sorted(configs), call.parameters.get("Marker"), call.parameters.get("MaxItems"), _PAGE)
        arn = self._functions.arn(names.parse(name, None, self._functions.place).name)
        listed = [event_invoke_config_members(configs[key], f"{arn}:{key}") for key in sorted(found)]
        members: dict[str, object] = {"FunctionEventInvokeConfigs": listed}
        if following is not None:
            members["NextMarker"] = following
        return members

    def _read(self, call: Call) -> _Request:
        request = converted(_Request, call.parameters)
        names.parse(request.function_name, request.qualifier, self._functions.place)
        settings = (request.maximum_retry_attempts, request.maximum_event_age_in_seconds)
        destinations = request.destination_config or _Destinations()
        if settings == (None, None) and destinations == _Destinations():
            raise refusals.invalid_parameter("You must specify at least one of error handling or destination setting.")
        return request

    def _qualified_arn(self, request: _Request) -> str:
        reference = names.parse(request.function_name, request.qualifier, self._functions.place)
        return f"{self._functions.arn(reference.name)}:{reference.qualifier or names.LATEST}"
