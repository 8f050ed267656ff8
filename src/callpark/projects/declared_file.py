"""A file of our own format beside a template → its values. Called by `connect_file.py` and `models_file.py`."""

import re
from typing import TypeVar

import msgspec

from callpark.kernel.errors import ProjectError
from callpark.projects.document import Place
from callpark.projects.template import Template

T = TypeVar("T")

_STEP = re.compile(r"\.?([A-Za-z0-9_-]+)|\[(\d+|\.\.\.)\]")


def converted(template: Template, shape: type[T], remedy: str) -> T:
    """The file as a `shape`. Raises ProjectError with the line of what does not fit."""
    try:
        return msgspec.convert(template.document.values, shape)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        place = _place(path.removesuffix("`"))
        spelled = ".".join(map(str, place))
        raise ProjectError(f"{template.where(place)}: {f'{spelled}: ' if spelled else ''}{message}", remedy) from None


def _place(path: str) -> Place:
    """`$.queues[0].name` → ("queues", 0, "name"). What msgspec writes as `[...]` has no place of its own."""
    place: list[str | int] = []
    for name, index in _STEP.findall(path.removeprefix("$")):
        if index == "...":
            break
        place.append(name or int(index))
    return tuple(place)
