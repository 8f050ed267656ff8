"""Finding and reading a project's template. `load.py` calls `find`, then `read`."""

from dataclasses import dataclass
from pathlib import Path

from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ProjectLimits
from callpark.projects.document import Document, Place, read_json, read_yaml

_NAMES = ("template.yaml", "template.yml", "template.json")
_SUFFIXES = (".yaml", ".yml", ".json", ".template")
_REMEDY = "name a folder with a template.yaml, a template file, or a contact flow's JSON file"
_NONE = f"{_REMEDY}; `callpark start --empty` needs none"


@dataclass(frozen=True, slots=True)
class Template:
    """A template as written: `document` still holds intrinsic functions and SAM resources."""

    path: Path
    name: str
    document: Document

    @property
    def folder(self) -> Path:
        return self.path.parent

    def where(self, place: Place) -> str:
        """`template.yaml:12`, or just the file's name where the line is not known.

        What the SAM transform made has no line of its own, and its section's line would mislead.
        """
        shortest = min(len(place), 2) or 1
        for length in range(len(place), shortest - 1, -1):
            line = self.document.lines.get(place[:length])
            if line is not None:
                return f"{self.name}:{line}"
        return self.name


def find(path: Path) -> Path:
    """The template of a project: the file itself, `template.yaml|yml|json` of a folder, or its only CDK template.

    Absolute, so that nothing depends on the current folder later. Raises ProjectError when there is none, or more than
    one to choose from.
    """
    try:
        path = path.resolve()
    except RuntimeError:
        raise ProjectError(f"{path} is a symbolic link to itself", "correct the link") from None
    if path.is_file():
        return path
    if not path.is_dir():
        raise ProjectError(f"there is no project at {path}", _REMEDY)
    for name in _NAMES:
        if (path / name).is_file():
            return path / name
    output = path if path.name == "cdk.out" else path / "cdk.out"
    stacks = sorted(file for file in output.glob("*.template.json") if not file.name.endswith(".nested.template.json"))
    if len(stacks) > 1:
        names = ", ".join(file.name for file in stacks)
        raise ProjectError(
            f"{output} holds {len(stacks)} templates: {names}", f"name the one to serve, as in {stacks[0]}"
        )
    if not stacks:
        raise ProjectError(f"there is no template in {path}: {', '.join(_NAMES)} or cdk.out/*.template.json", _NONE)
    return stacks[0]


def read(path: Path, limits: ProjectLimits) -> Template:
    """Raises ProjectError with file, line and column for what cannot be read, unless the file is of another kind."""
    text = read_text(path, limits.template_bytes)
    try:
        document = read_json(text, path.name, limits) if path.suffix == ".json" else read_yaml(text, path.name, limits)
    except ProjectError:
        if path.suffix in _SUFFIXES:
            raise
        raise ProjectError(f"{path.name} is neither a template nor a contact flow", _REMEDY) from None
    return Template(path, path.name, document)


def read_text(path: Path, limit: int) -> str:
    """A text file of at most `limit` bytes. Raises ProjectError."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise ProjectError(
            f"{path} cannot be read: {error.strerror}", "check the path, and that you may read it"
        ) from None
    if len(data) > limit:
        raise ProjectError(f"{path} is larger than {limit} bytes", "split it; AWS refuses it as well")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProjectError(f"{path} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None


def existing(folder: Path, location: str) -> Path | None:
    """The absolute path of what a template names, or None when that is nothing, or no name the disk could have."""
    try:
        return (folder / location).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None


def project_name(template: Path) -> str:
    """The folder's name; what `sam build` and `cdk synth` write counts to the folder above."""
    folder = template.parent
    if folder.name == "cdk.out":
        folder = folder.parent
    elif folder.name == "build" and folder.parent.name == ".aws-sam":
        folder = folder.parent.parent
    return folder.name or "callpark"
