"""`models.yaml` beside a template → which models the project has. Called by `load.py` like `connect_file.py`.

The shapes are `models/declared.py`, described in docs/models.md.
"""

import dataclasses
from pathlib import Path

import msgspec

from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.models.declared import Backend, DeclaredModels, Local
from callpark.models.installed import PACKAGED
from callpark.projects.declared_file import converted
from callpark.projects.model import Project
from callpark.projects.template import Template, existing, read

NAMES = ("models.yaml", "models.yml", "models.json")

_REMEDY = "docs/models.md has an example of everything"


def with_models_file(project: Project, folder: Path, limits: Limits) -> Project:
    """The project with the models that the file in that folder declares, unchanged without one. Raises ProjectError."""
    path = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    if path is None:
        return project
    return dataclasses.replace(project, models=read_models(path, limits), watched=(*project.watched, path))


def read_models(path: Path, limits: Limits) -> DeclaredModels:
    """The file's models, with whole paths. Raises ProjectError."""
    template = read(path, limits.project)
    declared = converted(template, DeclaredModels, _REMEDY)
    backends = {name: _with_whole_path(template, name, backend) for name, backend in declared.backends.items()}
    return msgspec.structs.replace(declared, backends=backends)


def _with_whole_path(template: Template, name: str, backend: Backend) -> Backend:
    if backend.local is None:
        return backend
    local = Local(model=backend.local) if isinstance(backend.local, str) else backend.local
    if local.model in PACKAGED:
        return backend
    path = existing(template.folder, local.model)
    if path is None:
        known = ", ".join(PACKAGED)
        raise ProjectError(
            f"{template.where(('backends', name, 'local'))}: backends.{name}.local: there is no model {local.model!r}",
            f"write {known}, or the path of a GGUF file relative to {template.name}",
        )
    return msgspec.structs.replace(backend, local=msgspec.structs.replace(local, model=str(path)))
