"""Code that a template leaves in S3: fetched before it is served, or left out by name."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits
from callpark.projects.model import InS3, Project
from callpark.projects.stored import fetched
from tests.projects.projects import loaded, refused

pytestmark = pytest.mark.unit

TEMPLATE = """
Resources:
  F:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.12
      Handler: app.handler
      Code: { S3Bucket: code, S3Key: f.zip, S3ObjectVersion: v1 }
      Layers: [!Ref L]
  L: { Type: AWS::Lambda::LayerVersion, Properties: { LayerName: l, Content: { S3Bucket: code, S3Key: l.zip } } }
  Here: { Type: AWS::Lambda::Function, Properties: { Runtime: python3.12, Handler: app.handler, Code: src } }
"""
FILES = {"src/app.py": "def handler(event, context): ..."}


def zipped(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", text)
    return buffer.getvalue()


@dataclass(slots=True)
class Shelf:
    """Objects by key, ETags by content."""

    objects: dict[str, bytes] = field(default_factory=dict)
    empty: str | None = None
    asked: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)

    def emptiness(self, service: str) -> str | None:
        return self.empty

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        self.asked.append((operation, parameters))
        content = self.objects.get(str(parameters["Key"]))
        if content is None:
            raise CallerError("404", 404, "Not Found")
        return {"ETag": str(hash(content)), "Body": content}


async def served(project: Project, shelf: Shelf) -> Project:
    return await fetched(project, shelf, LambdaLimits())


def test_where_it_lies_is_kept_for_later(tmp_path: Path) -> None:
    project = loaded(tmp_path, TEMPLATE, FILES)
    assert project.warnings == ()
    assert [(stored.owner, stored.source) for stored in project.stored] == [
        ("the function F", InS3("code", "f.zip", "v1")),
        ("the layer l", InS3("code", "l.zip")),
    ]


async def test_it_is_fetched_once_for_each_content(tmp_path: Path) -> None:
    project = loaded(tmp_path, TEMPLATE, FILES)
    shelf = Shelf({"f.zip": zipped("one"), "l.zip": zipped("layer")})
    first = await served(project, shelf)
    code = {one.configuration.name: one.code.path for one in first.functions}
    assert (code["F"] / "app.py").read_text() == "one"
    assert code["Here"] == tmp_path / "src"
    (layer,) = first.layers
    assert (layer.code.path / "app.py").read_text() == "layer"
    assert ("GetObject", {"Bucket": "code", "Key": "f.zip", "VersionId": "v1"}) in shelf.asked

    shelf.asked.clear()
    assert await served(project, shelf) == first
    assert [operation for operation, _ in shelf.asked] == ["HeadObject", "HeadObject"]

    shelf.objects["f.zip"] = zipped("two")
    changed = {one.configuration.name: one.code.path for one in (await served(project, shelf)).functions}
    assert (changed["F"] / "app.py").read_text() == "two"


@pytest.mark.parametrize(
    ("shelf", "reason"),
    [
        (Shelf({"l.zip": zipped("layer")}), "404: Not Found"),
        (Shelf({"l.zip": zipped("layer"), "f.zip": b"rubbish"}), "InvalidParameterValueException: Could not unzip"),
    ],
)
async def test_what_cannot_be_had_is_left_out(tmp_path: Path, shelf: Shelf, reason: str) -> None:
    project = await served(loaded(tmp_path, TEMPLATE, FILES), shelf)
    assert [one.configuration.name for one in project.functions] == ["Here"]
    assert [one.name for one in project.layers] == ["l"]
    (warning,) = project.warnings
    text = f"template.yaml:3: Resources.F: the code of the function F lies at s3://code/f.zip: {reason}"
    assert warning.startswith(text)
    assert warning.endswith("; it is left out")


async def test_nobody_is_asked_where_nothing_can_be(tmp_path: Path) -> None:
    shelf = Shelf(empty="moto is empty at a start")
    project = await served(loaded(tmp_path, TEMPLATE, FILES), shelf)
    assert shelf.asked == []
    assert len(project.warnings) == 2
    assert "moto is empty at a start" in project.warnings[0]


def test_an_object_needs_a_key(tmp_path: Path) -> None:
    error = refused(tmp_path, TEMPLATE.replace(", S3Key: f.zip", ""), FILES)
    assert "S3Key is missing" in error.cause
