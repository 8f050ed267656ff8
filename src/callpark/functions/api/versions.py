"""PublishVersion, ListVersionsByFunction and the operations on aliases: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html, API_CreateAlias.html
"""

from collections.abc import Mapping

import msgspec

from callpark.functions import names
from callpark.functions.api import parameters
from callpark.functions.api.pages import page
from callpark.functions.api.presentation import Presentation
from callpark.functions.api.shapes import alias_members
from callpark.functions.service import Functions
from callpark.kernel.operations import Call, OperationTable

_PAGE = 50


class _Publish(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    description: str | None = None
    revision_id: str | None = None
    code_sha256: str | None = msgspec.field(default=None, name="CodeSha256")


class _Routing(msgspec.Struct, frozen=True, rename="pascal"):
    additional_version_weights: dict[str, float] = {}


class _Alias(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    name: str
    function_version: str | None = None
    description: str | None = None
    routing_config: _Routing | None = None
    revision_id: str | None = None

    @property
    def weights(self) -> dict[str, float] | None:
        return None if self.routing_config is None else self.routing_config.additional_version_weights


class VersionOperations:
    def __init__(self, functions: Functions, presentation: Presentation) -> None:
        self._functions = functions
        self._publishing = functions.publishing
        self._presentation = presentation

    def table(self) -> OperationTable:
        return {
            ("lambda", "PublishVersion"): self.publish,
            ("lambda", "ListVersionsByFunction"): self.list_versions,
            ("lambda", "CreateAlias"): self.create_alias,
            ("lambda", "UpdateAlias"): self.update_alias,
            ("lambda", "GetAlias"): self.get_alias,
            ("lambda", "ListAliases"): self.list_aliases,
            ("lambda", "DeleteAlias"): self.delete_alias,
        }

    async def publish(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Publish, call.parameters)
        parameters.inert(call.parameters)
        version, phase = await self._publishing.publish(
            request.function_name,
            description=request.description,
            code_sha256=request.code_sha256,
            revision_id=request.revision_id,
        )
        arn = self._functions.arn(version.configuration.name)
        return self._presentation.configuration(version, f"{arn}:{version.number}", phase)

    async def list_versions(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        versions = self._publishing.versions(str(given["FunctionName"]))
        # "$LATEST" sorts before digits.
        by_key = {v.number if v.number == names.LATEST else f"{int(v.number):010d}": v for v in versions}
        shown, following = page(sorted(by_key), given.get("Marker"), given.get("MaxItems"), _PAGE)
        members = []
        for key in sorted(shown):
            version = by_key[key]
            arn = self._functions.arn(version.configuration.name)
            members.append(self._presentation.listed(version, f"{arn}:{version.number}"))
        return {"Versions": members} if following is None else {"Versions": members, "NextMarker": following}

    async def create_alias(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Alias, call.parameters)
        alias = await self._publishing.create_alias(
            request.function_name,
            request.name,
            request.function_version or "",
            request.description or "",
            request.weights or {},
        )
        return alias_members(alias, self._arn(request.function_name))

    async def update_alias(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Alias, call.parameters)
        alias = await self._publishing.update_alias(
            request.function_name,
            request.name,
            version=request.function_version,
            description=request.description,
            weights=request.weights,
            revision_id=request.revision_id,
        )
        return alias_members(alias, self._arn(request.function_name))

    async def get_alias(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Alias, call.parameters)
        return alias_members(
            self._publishing.alias(request.function_name, request.name), self._arn(request.function_name)
        )

    async def list_aliases(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        version = given.get("FunctionVersion")
        name = str(given["FunctionName"])
        aliases = {
            alias.name: alias for alias in self._publishing.aliases(name, version if isinstance(version, str) else None)
        }
        shown, following = page(sorted(aliases), given.get("Marker"), given.get("MaxItems"), _PAGE)
        arn = self._arn(name)
        members: dict[str, object] = {"Aliases": [alias_members(aliases[key], arn) for key in sorted(shown)]}
        if following is not None:
            members["NextMarker"] = following
        return members

    async def delete_alias(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Alias, call.parameters)
        await self._publishing.delete_alias(request.function_name, request.name)
        return {}

    def _arn(self, function: str) -> str:
        return self._functions.arn(names.parse(function, None, self._functions.place).name)
