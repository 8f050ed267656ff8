"""The sandbox: a handler's process in namespaces of its own, through bubblewrap. Pure but for finding the program.

`generation.py` wraps a command in it when the server is started with `CALLPARK_ISOLATION=sandbox`. Inside, the code is
at /var/task and the layers at /opt, both read-only as on AWS; /tmp is the environment's own; nothing else of the
machine can be written, and other processes cannot be seen. What each level protects against: docs/isolation.md.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from callpark.functions.environments.ports import Deployment
from callpark.kernel.errors import ProjectError

Isolation: TypeAlias = Literal["process", "sandbox"]

TASK, LAYERS, TEMPORARY, PYCACHE = "/var/task", "/opt", "/tmp", "/var/pycache"
#: bubblewrap outside, bubblewrap as the first process inside, the program.
SANDBOX_LEVELS = 2
#: What programs need of the machine; what does not exist is left out. Homes are not among them.
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc")


class Sandbox(msgspec.Struct, frozen=True):
    """How to call bubblewrap. `readable` are the folders of the interpreter and of our own programs."""

    program: str
    readable: tuple[str, ...]


def sandbox(isolation: str) -> Sandbox | None:
    """The sandbox that is asked for, if any. Raises ProjectError when there is no bubblewrap, or for a wrong word."""
    if isolation == "process":
        return None
    if isolation != "sandbox":
        raise ProjectError(f"there is no isolation {isolation!r}", "set CALLPARK_ISOLATION to process or sandbox")
    program = shutil.which("bwrap")
    if program is None:
        raise ProjectError(
            "CALLPARK_ISOLATION=sandbox needs bubblewrap, and there is no `bwrap` on PATH",
            "install the package bubblewrap, or use CALLPARK_ISOLATION=process",
        )
    package = Path(__file__).parents[2]
    interpreter = {sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable))}
    paths = {*interpreter, *(path for path in sys.path if os.path.isdir(path)), str(package)}
    return Sandbox(program, tuple(sorted(paths)))


def sandboxed(
    box: Sandbox, arguments: tuple[str, ...], deployment: Deployment, temporary: Path, pycache: Path
) -> tuple[str, ...]:
    """The command line that runs `arguments` inside."""
    found = [box.program, "--die-with-parent", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
    for path in _SYSTEM:
        if os.path.islink(path):
            found += ["--symlink", os.readlink(path), path]
        elif os.path.isdir(path):
            found += ["--ro-bind", path, path]
    found += ["--proc", "/proc", "--dev", "/dev", "--bind", str(temporary), TEMPORARY]
    for path in box.readable:
        if not path.startswith(("/usr/", "/lib/")):
            found += ["--ro-bind", path, path]
    program = os.path.realpath(arguments[0])
    own = (str(deployment.code_root), str(deployment.layers_root), *_SYSTEM, *box.readable)
    if os.path.isfile(program) and not any(Path(program).is_relative_to(path) for path in own):
        found += ["--ro-bind", program, arguments[0]]
    found += ["--ro-bind", str(deployment.code_root), TASK]
    if deployment.layers_root is not None:
        found += ["--ro-bind", str(deployment.layers_root), LAYERS]
    pycache.mkdir(parents=True, exist_ok=True)
    found += ["--bind", str(pycache), PYCACHE, "--chdir", TASK, "--"]
    shown = (argument.replace(str(pycache), PYCACHE) for argument in arguments)
    return (*found, *(inside(argument, deployment, temporary) for argument in shown))


def inside(text: str, deployment: Deployment, temporary: Path) -> str:
    """A path, or a list of them, as it is called inside."""
    places = [(str(temporary), TEMPORARY), (str(deployment.code_root), TASK)]
    if deployment.layers_root is not None:
        places.insert(0, (str(deployment.layers_root), LAYERS))
    for here, there in places:
        text = text.replace(here, there)
    return text


def variables_inside(variables: Mapping[str, str], deployment: Deployment, temporary: Path) -> dict[str, str]:
    """The environment variables with paths as they are called inside."""
    own = deployment.configuration.environment
    return {name: value if name in own else inside(value, deployment, temporary) for name, value in variables.items()}
