"""CreateFunctionUrlConfig and its family: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunctionUrlConfig.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from callpark.functions.api import parameters
from callpark.functions.api.pages import page
from callpark.functions.model import AuthType, FunctionUrl, InvokeMode, UrlDefinition
from callpark.functions.service import Functions
from callpark.kernel.operations import Call, OperationTable

_PAGE = 50


class _Request(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str | None = None
    auth_type: AuthType | None = None
    invoke_mode: InvokeMode | None = None
    cors: dict[str, object] | None = None

    def over(self, before: UrlDefinition) -> UrlDefinition:
        """What is not given stays as it was."""
        return UrlDefinition(
            qualifier=self.qualifier,
            auth_type=before.auth_type if self.auth_type is None else self.auth_type,
            invoke_mode=before.invoke_mode if self.invoke_mode is None else self.invoke_mode,
            cors=before.cors if self.cors is None else self.cors,
        )


class UrlOperations:
    def __init__(self, functions: Functions) -> None:
        self._urls = functions.urls

    def table(self) -> OperationTable:
        return {
            ("lambda", "CreateFunctionUrlConfig"): self.create,
            ("lambda", "UpdateFunctionUrlConfig"): self.update,
            ("lambda", "GetFunctionUrlConfig"): self.get,
            ("lambda", "DeleteFunctionUrlConfig"): self.delete,
            ("lambda", "ListFunctionUrlConfigs"): self.list_urls,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Request, call.parameters)
        made = await self._urls.create(request.function_name, request.qualifier, request.over(UrlDefinition()))
        members = self._members(made, self._urls.arn(request.function_name, request.qualifier))
        members.pop("LastModifiedTime")
        return members

    async def update(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Request, call.parameters)
        found = self._urls.get(request.function_name, request.qualifier)
        before = UrlDefinition(request.qualifier, found.auth_type, found.invoke_mode, found.cors)
        updated = await self._urls.update(request.function_name, request.qualifier, request.over(before))
        return self._members(updated, self._urls.arn(request.function_name, request.qualifier))

    async def get(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Request, call.parameters)
        found = self._urls.get(request.function_name, request.qualifier)
        return self._members(found, self._urls.arn(request.function_name, request.qualifier))

    async def delete(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Request, call.parameters)
        await self._urls.delete(request.function_name, request.qualifier)
        return {}

    async def list_urls(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        found = dict(self._urls.all_of(str(given["FunctionName"])))
        shown, following = page(sorted(found), given.get("Marker"), given.get("MaxItems"), _PAGE)
        members: dict[str, object] = {"FunctionUrlConfigs": [self._members(found[arn], arn) for arn in sorted(shown)]}
        if following is not None:
            members["NextMarker"] = following
        return members

    def _members(self, url: FunctionUrl, arn: str) -> dict[str, object]:
        members: dict[str, object] = {
            "FunctionUrl": self._urls.address(url),
            "FunctionArn": arn,
            "AuthType": url.auth_type,
            "CreationTime": _instant(url.created),
            "LastModifiedTime": _instant(url.last_modified),
            "InvokeMode": url.invoke_mode,
        }
        if url.cors:
            members["Cors"] = dict(url.cors)
        return members


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
