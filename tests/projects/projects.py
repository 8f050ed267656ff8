"""Projects written for one test: text in, a loaded `Project` or its error out."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from callpark.kernel.arn import Place
from callpark.kernel.errors import ProjectError
from callpark.projects.load import load_project
from callpark.projects.model import Project

BASE_URL = "http://127.0.0.1:4566"
HOME = Place()


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def load(path: Path, **parameters: str) -> Project:
    return load_project(path, place=HOME, base_url=BASE_URL, parameters=parameters)


def loaded(folder: Path, template: str, files: Mapping[str, str] | None = None, **parameters: str) -> Project:
    return load(write(folder, {"template.yaml": template, **(files or {})}), **parameters)


def refused(folder: Path, template: str, files: Mapping[str, str] | None = None, **parameters: str) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        loaded(folder, template, files, **parameters)
    return caught.value
