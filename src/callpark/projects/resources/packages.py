"""Packages that a function's code asks for and that nobody has installed beside it. Called by `lambda_.py`.

Nothing is installed behind the user's back: `sam build` or pip do that, and a warning says so before the first import
error does.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

_IN_THE_RUNTIME = frozenset(
    {"boto3", "botocore", "s3transfer", "jmespath", "python_dateutil", "urllib3", "six", "awslambdaric"}
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def missing(folder: Path, runtime: str) -> str | None:
    """A warning that names the file and what it asks for in vain, or None."""
    if runtime.startswith("python"):
        return _missing_python(folder)
    if runtime.startswith("nodejs"):
        return _missing_node(folder)
    return None


def _missing_python(folder: Path) -> str | None:
    file = folder / "requirements.txt"
    installed = {_normal(entry.name.partition("-")[0]) for entry in folder.glob("*.dist-info")}
    absent = [name for name in _requirements(file) if _normal(name) not in installed | _IN_THE_RUNTIME]
    if not absent:
        return None
    return (
        f"{file.parent.name}/requirements.txt asks for {', '.join(absent)}, not installed beside the handler; "
        f"run `pip install -r {file} -t {folder}`, or `sam build` and serve .aws-sam/build/template.yaml"
    )


def _requirements(file: Path) -> Iterator[str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        name = _NAME.match(line.strip())
        if name:
            yield name[0]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()


def _missing_node(folder: Path) -> str | None:
    file = folder / "package.json"
    try:
        asked = json.loads(file.read_bytes()).get("dependencies")
    except (OSError, ValueError, AttributeError):
        return None
    names = [name for name in asked if not name.startswith("@aws-sdk/")] if isinstance(asked, dict) else []
    places = [folder, *folder.parents][:4]
    absent = [name for name in names if not any((place / "node_modules" / name).is_dir() for place in places)]
    if not absent:
        return None
    return (
        f"{file.parent.name}/package.json asks for {', '.join(absent)}, not installed beside the handler; "
        f"run `npm install` in {folder}, or `sam build` and serve .aws-sam/build/template.yaml"
    )
