"""What every family of resources knows about the project it belongs to, and how it speaks of it.

`load.py` makes one `Stack` per load; the families read `Resource`s and leave warnings and watched paths on it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from callpark.kernel.arn import Place as Home
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.projects.document import Place, Value
from callpark.projects.intrinsics import Where, spelled
from callpark.projects.model import InS3, StoredCode
from callpark.projects.resources.properties import Properties


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource whose condition holds, its properties evaluated."""

    logical_id: str
    type: str
    properties: Properties
    metadata: Mapping[str, Value]

    @property
    def place(self) -> Place:
        return ("Resources", self.logical_id)


@dataclass(slots=True)
class Stack:
    """`folder` is where relative paths start: the template's folder."""

    project: str
    home: Home
    base_url: str
    folder: Path
    where: Where
    limits: Limits
    databases: Collection[str] = ()
    """Clusters, by name or ARN, for which `--database` names a database."""
    included: Mapping[Place, Path] = field(default_factory=dict)
    """Files that AWS::Include has put into the template, by place."""
    version_numbers: dict[str, dict[str, str]] = field(default_factory=dict)
    """Function name → logical id of a version → its number."""
    warnings: list[str] = field(default_factory=list)
    watched: list[Path] = field(default_factory=list)
    stored: list[StoredCode] = field(default_factory=list)

    def warn(self, place: Place, text: str) -> None:
        """One warning, at its place; the same warning twice is one."""
        line = f"{self.where(place)}: {spelled(place)}: {text}"
        if line not in self.warnings:
            self.warnings.append(line)

    def blame(self, place: Place, cause: str, remedy: str) -> ProjectError:
        return ProjectError(f"{self.where(place)}: {spelled(place)}: {cause}", remedy)

    def later(self, owner: str, source: InS3, place: Place) -> Path:
        """A folder that stands for code which is fetched before it is served."""
        stand_in = Path("/in-s3", source.bucket, source.key, source.version or "latest")
        self.stored.append(StoredCode(owner, source, stand_in, f"{self.where(place)}: {spelled(place)}"))
        return stand_in

    def watch(self, path: Path) -> None:
        if path not in self.watched:
            self.watched.append(path)

    def warn_ignored(self, resource: Resource) -> None:
        """Name every property that no family has read."""
        for place in resource.properties.ignored():
            self.warn(place, f"{resource.type}: the property is ignored")
