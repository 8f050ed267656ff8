"""AWS::Lambda::LayerVersion → layers. Each is version 1 of its name.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-layerversion.html
"""

from collections.abc import Sequence
from pathlib import Path

from callpark.functions.model import Directory, LayerDefinition
from callpark.projects.identity import physical_name
from callpark.projects.intrinsics import Identity
from callpark.projects.model import InS3
from callpark.projects.resources.code import layer_folder
from callpark.projects.resources.stack import Resource, Stack

LAYER_VERSION = "AWS::Lambda::LayerVersion"
LAYER_VERSION_PERMISSION = "AWS::Lambda::LayerVersionPermission"

_LOOKED_INTO = ("python", "nodejs", "lib", "bin", "extensions", "bootstrap")
"""What runtimes look for inside a layer, at its top."""


def layer_identity(resource: Resource, stack: Stack) -> Identity:
    arn = stack.home.arn("lambda", f"layer:{_name(resource)}:1")
    return Identity(arn, {"LayerVersionArn": arn, "Arn": arn})


def layers(resources: Sequence[Resource], stack: Stack) -> tuple[LayerDefinition, ...]:
    """Raises ProjectError when a path leads nowhere."""
    found: dict[str, LayerDefinition] = {}
    for resource in resources:
        if resource.type == LAYER_VERSION_PERMISSION:
            resource.properties.without_effect(*resource.properties.values)
        if resource.type != LAYER_VERSION:
            continue
        definition = _layer(resource, stack)
        if definition.name in found:
            raise stack.blame(
                resource.place, f"a second layer is named {definition.name}", "give them different LayerNames"
            )
        found[definition.name] = definition
    return tuple(found.values())


def _layer(resource: Resource, stack: Stack) -> LayerDefinition:
    properties = resource.properties
    folder = layer_folder(resource, stack)
    name = _name(resource)
    if isinstance(folder, InS3):
        folder = stack.later(f"the layer {name}", folder, resource.place)
    else:
        _warn_unbuilt(resource, folder, stack)
    return LayerDefinition(
        name=name,
        code=Directory(folder),
        description=properties.text("Description") or "",
        compatible_runtimes=properties.texts("CompatibleRuntimes"),
        compatible_architectures=properties.texts("CompatibleArchitectures"),
        license_info=properties.text("LicenseInfo") or "",
    )


def _name(resource: Resource) -> str:
    return resource.properties.text("LayerName") or physical_name(resource.logical_id, 140)


def _warn_unbuilt(resource: Resource, folder: Path, stack: Stack) -> None:
    if not any((folder / name).exists() for name in _LOOKED_INTO):
        stack.warn(
            (*resource.properties.place, "Content"),
            f"{folder.name}/ has none of python/, nodejs/, lib/, bin/, extensions/, where runtimes look into layers; "
            "run `sam build` and serve .aws-sam/build/template.yaml",
        )
