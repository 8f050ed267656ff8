"""PublishLayerVersion and its family: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html
"""

from collections.abc import Mapping, Sequence

import msgspec
import orjson

from callpark.functions import policies, refusals
from callpark.functions.api import parameters
from callpark.functions.api.pages import page
from callpark.functions.api.presentation import Presentation
from callpark.functions.api.shapes import last_modified
from callpark.functions.model import Archive, LayerVersion
from callpark.functions.policies import Grant
from callpark.functions.service import Functions
from callpark.kernel.operations import Call, OperationTable

_PAGE = 50


class _Publish(msgspec.Struct, frozen=True, rename="pascal"):
    layer_name: str
    content: dict[str, object]
    description: str = ""
    compatible_runtimes: tuple[str, ...] = ()
    compatible_architectures: tuple[str, ...] = ()
    license_info: str = ""


class _Version(msgspec.Struct, frozen=True, rename="pascal"):
    layer_name: str
    version_number: int
    statement_id: str = ""
    revision_id: str | None = None
    action: str = ""
    principal: str = ""
    organization_id: str | None = None


class _Filter(msgspec.Struct, frozen=True, rename="pascal"):
    compatible_runtime: str | None = None
    compatible_architecture: str | None = None

    def takes(self, layer: LayerVersion) -> bool:
        runtime, architecture = self.compatible_runtime, self.compatible_architecture
        return (runtime is None or runtime in layer.compatible_runtimes) and (
            architecture is None or architecture in layer.compatible_architectures
        )


class LayerOperations:
    def __init__(self, functions: Functions, presentation: Presentation) -> None:
        self._layers = functions.layers
        self._uploads = functions.uploads
        self._presentation = presentation

    def table(self) -> OperationTable:
        return {
            ("lambda", "PublishLayerVersion"): self.publish,
            ("lambda", "GetLayerVersion"): self.get,
            ("lambda", "GetLayerVersionByArn"): self.get_by_arn,
            ("lambda", "ListLayers"): self.list_layers,
            ("lambda", "ListLayerVersions"): self.list_versions,
            ("lambda", "DeleteLayerVersion"): self.delete,
            ("lambda", "AddLayerVersionPermission"): self.add_permission,
            ("lambda", "RemoveLayerVersionPermission"): self.remove_permission,
            ("lambda", "GetLayerVersionPolicy"): self.get_policy,
        }

    async def publish(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Publish, call.parameters)
        published = await self._layers.publish(
            request.layer_name,
            await self._uploads.archive(request.content, call.operation),
            description=request.description,
            compatible_runtimes=request.compatible_runtimes,
            compatible_architectures=request.compatible_architectures,
            license_info=request.license_info,
        )
        return self._whole(published)

    async def get(self, call: Call) -> Mapping[str, object]:
        return self._whole(self._found(parameters.converted(_Version, call.parameters)))

    async def get_by_arn(self, call: Call) -> Mapping[str, object]:
        return self._whole(self._layers.version_by_arn(str(call.parameters["Arn"])))

    async def list_layers(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        wanted = parameters.converted(_Filter, given)
        newest: dict[str, LayerVersion] = {}
        for name in self._layers.names():
            matching = [layer for layer in self._layers.versions(name) if wanted.takes(layer)]
            if matching:
                newest[name] = matching[0]
        shown, following = page(sorted(newest), given.get("Marker"), given.get("MaxItems"), _PAGE)
        listed = [
            {
                "LayerName": name,
                "LayerArn": self._layers.arn(name),
                "LatestMatchingVersion": self._listed(newest[name]),
            }
            for name in sorted(shown)
        ]
        return {"Layers": listed} if following is None else {"Layers": listed, "NextMarker": following}

    async def list_versions(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        wanted = parameters.converted(_Filter, given)
        # Newest first, which a marker that sorts upwards must say in reverse.
        found = {
            f"{10**10 - layer.number:010d}": layer
            for layer in self._layers.versions(str(given["LayerName"]))
            if wanted.takes(layer)
        }
        shown, following = page(sorted(found), given.get("Marker"), given.get("MaxItems"), _PAGE)
        listed = [self._listed(found[key]) for key in sorted(shown)]
        return {"LayerVersions": listed} if following is None else {"LayerVersions": listed, "NextMarker": following}

    async def delete(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Version, call.parameters)
        await self._layers.delete(request.layer_name, request.version_number)
        return {}

    async def add_permission(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Version, call.parameters)
        conditions: Mapping[str, Mapping[str, str]] = {}
        if request.organization_id is not None:
            conditions = {"StringEquals": {"aws:PrincipalOrgID": request.organization_id}}
        grant = Grant(request.statement_id, request.action, request.principal, conditions, request.revision_id)
        made, revision_id = await self._layers.add_permission(request.layer_name, request.version_number, grant)
        return {"Statement": orjson.dumps(made).decode(), "RevisionId": revision_id}

    async def remove_permission(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Version, call.parameters)
        await self._layers.remove_permission(
            request.layer_name, request.version_number, request.statement_id, request.revision_id
        )
        return {}

    async def get_policy(self, call: Call) -> Mapping[str, object]:
        policy = policies.of_layer(self._found(parameters.converted(_Version, call.parameters)))
        return {"Policy": policies.document(policy), "RevisionId": policy.revision_id}

    def _found(self, request: _Version) -> LayerVersion:
        if request.version_number < 1:
            raise refusals.invalid_parameter("Layer Version Cannot be less than 1.")
        return self._layers.version(request.layer_name, request.version_number)

    def _whole(self, layer: LayerVersion) -> Mapping[str, object]:
        content: dict[str, object] = {"CodeSha256": layer.identity.sha256, "CodeSize": layer.identity.size}
        if isinstance(layer.code, Archive):
            content["Location"] = self._presentation.package_address(layer.code)
        return {"Content": content, "LayerArn": self._layers.arn(layer.name), **self._listed(layer)}

    def _listed(self, layer: LayerVersion) -> Mapping[str, object]:
        members: dict[str, object] = {
            "LayerVersionArn": self._layers.version_arn(layer),
            "Description": layer.description,
            "CreatedDate": last_modified(layer.created),
            "Version": layer.number,
        }
        lists: Mapping[str, Sequence[str]] = {
            "CompatibleRuntimes": layer.compatible_runtimes,
            "CompatibleArchitectures": layer.compatible_architectures,
        }
        members |= {name: list(values) for name, values in lists.items() if values}
        if layer.license_info:
            members["LicenseInfo"] = layer.license_info
        return members
