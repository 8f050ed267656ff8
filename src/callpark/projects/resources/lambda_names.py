"""How templates name functions, versions and aliases. Used by the families that declare or refer to them."""

from dataclasses import dataclass

from callpark.kernel.arn import Arn
from callpark.projects.resources.stack import Stack

LATEST = "$LATEST"


@dataclass(frozen=True, slots=True)
class FunctionTarget:
    """A function as a property names it: by name, ARN or partial ARN. `qualifier` is None where none was given."""

    name: str
    qualifier: str | None


def target_of(text: str) -> FunctionTarget:
    arn = Arn.parse(text)
    resource = arn.resource if arn is not None else text
    name, _, qualifier = resource.rpartition("function:")[2].partition(":")
    return FunctionTarget(name, qualifier or None)


def function_arn(name: str, stack: Stack, qualifier: str | None = None) -> str:
    arn = stack.home.arn("lambda", f"function:{name}")
    return arn if qualifier is None else f"{arn}:{qualifier}"
