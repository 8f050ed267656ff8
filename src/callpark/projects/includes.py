"""`Fn::Transform: {Name: AWS::Include}`: files that a template takes in. `load.py` calls `expand` before anything else.

Locations are paths beside the template, as `sam package` and `aws cloudformation package` read them. What cannot be
taken in is an error in a resource that is served, and a warning in one that is not (an OpenAPI document in S3, say).
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/create-reusable-transform-function-snippets-and-add-to-your-template-with-aws-include-transform.html
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ProjectLimits
from callpark.projects.document import Place, Value
from callpark.projects.intrinsics import spelled
from callpark.projects.template import Template, existing, read

_FUNCTION = "Fn::Transform"


@dataclass(frozen=True, slots=True)
class Expanded:
    """The template's values with every included file in its place, and those places."""

    values: dict[str, Value]
    files: dict[Place, Path]
    warnings: tuple[str, ...] = ()


def expand(template: Template, limits: ProjectLimits, served: Callable[[str], bool]) -> Expanded:
    """`served` says which resource types must be whole. Raises ProjectError."""
    files: dict[Place, Path] = {}
    warnings: list[str] = []

    def walk(value: Value, place: Place) -> Value:
        if isinstance(value, list):
            return [walk(item, (*place, index)) for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if _FUNCTION not in value:
            return {key: walk(item, (*place, key)) for key, item in value.items()}
        beside = {key: walk(item, (*place, key)) for key, item in value.items() if key != _FUNCTION}
        try:
            path = _location(template, value[_FUNCTION], (*place, _FUNCTION))
        except ProjectError as error:
            if _must_be_whole(template, place, served):
                raise
            warnings.append(f"{error.cause}; it is left out")
            return beside
        files[place] = path
        return {**read(path, limits).document.values, **beside}

    values = walk(template.document.values, ())
    return Expanded(values if isinstance(values, dict) else {}, files, tuple(warnings))


def _must_be_whole(template: Template, place: Place, served: Callable[[str], bool]) -> bool:
    section = template.document.values.get("Resources")
    if len(place) < 2 or place[0] != "Resources" or not isinstance(section, dict):
        return True
    resource = section.get(str(place[1]))
    kind = resource.get("Type") if isinstance(resource, dict) else None
    return not isinstance(kind, str) or served(kind)


def _location(template: Template, call: Value, place: Place) -> Path:
    def error(cause: str, remedy: str) -> ProjectError:
        return ProjectError(f"{template.where(place)}: {spelled(place)}: {cause}", remedy)

    name = call.get("Name") if isinstance(call, dict) else None
    if not isinstance(call, dict) or name != "AWS::Include":
        raise error(f"the macro {name!r} cannot be run here", "only AWS::Include can; write the result out")
    parameters = call.get("Parameters")
    location = parameters.get("Location") if isinstance(parameters, dict) else None
    if not isinstance(location, str):
        raise error("AWS::Include needs a Location that is a text", "give the path of a file beside the template")
    if location.startswith("s3://"):
        raise error(f"{location} cannot be fetched", "give the path of a file beside the template")
    path = existing(template.folder, location)
    if path is None or not path.is_file():
        raise error(f"there is no file {location}", "correct the path; it starts from the template's folder")
    return path
