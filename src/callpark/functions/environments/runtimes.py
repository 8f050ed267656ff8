"""Which program runs a function: Python, Node or the function's own `bootstrap`.

Called by `environment.py`. Returns a command; refuses by name what cannot run here.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import msgspec

from callpark.functions.environments.failures import INVALID_ENTRYPOINT
from callpark.functions.environments.ports import Deployment, EnvironmentUnavailable
from callpark.functions.model import FunctionConfiguration

HOST_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
NODE_BOOTSTRAP = Path(__file__).parent / "bootstraps" / "node" / "bootstrap.mjs"
_SDK_IMPORT = re.compile(
    rb"^[ \t]*(?:import|from)[ \t]+(?:boto3|botocore|aioboto3|aws_lambda_powertools)\b", re.MULTILINE
)
_SCANNED_FILES = 500
_SCANNED_BYTES = 4 * 1024 * 1024


class PythonProgram(msgspec.Struct, frozen=True):
    """`python -m awslambdaric handler`; `sdk` says that the code imports boto3, which is worth having warm."""

    handler: str
    sdk: bool


class Executable(msgspec.Struct, frozen=True):
    """Any other program, with its arguments."""

    arguments: tuple[str, ...]


class Unstartable(msgspec.Struct, frozen=True):
    """The function brings nothing that could run: the function's failure, as AWS words it."""

    error_type: str
    text: str


Program: TypeAlias = PythonProgram | Executable


def program(deployment: Deployment) -> Program | Unstartable:
    """What to start. Raises EnvironmentUnavailable, with the remedy, for what this machine cannot run.

    `AWS_LAMBDA_EXEC_WRAPPER` is honoured as on AWS: the wrapper is started with the runtime's command as arguments.
    """
    configuration = deployment.configuration
    chosen = _program(deployment)
    wrapper = configuration.environment.get("AWS_LAMBDA_EXEC_WRAPPER")
    if wrapper is None or isinstance(chosen, Unstartable) or configuration.runtime.startswith("provided"):
        return chosen
    return Executable((wrapper, *plain_arguments(chosen)))


def extension_programs(deployment: Deployment) -> tuple[Path, ...]:
    """The external extensions: executables in the folder `extensions` of the layers (/opt/extensions) and of the code,
    by name. The first of a name counts."""
    found: dict[str, Path] = {}
    for root in (deployment.layers_root, deployment.code_root):
        folder = None if root is None else root / "extensions"
        if folder is None or not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if path.is_file() and os.access(path, os.X_OK):
                found.setdefault(path.name, path)
    return tuple(found[name] for name in sorted(found))


def plain_arguments(chosen: Program) -> tuple[str, ...]:
    """The command line for a process that is not forked from a warm parent."""
    if isinstance(chosen, Executable):
        return chosen.arguments
    return (sys.executable, "-m", "awslambdaric", chosen.handler)


def python_cached(arguments: tuple[str, ...], pycache: Path) -> tuple[str, ...]:
    """The same command; an interpreter of ours keeps compiled code out of the user's."""
    if arguments[0] != sys.executable:
        return arguments
    return (arguments[0], "-X", f"pycache_prefix={pycache}", *arguments[1:])


def other_python(configuration: FunctionConfiguration) -> str | None:
    """A warning when a Python function asks for another version than this one."""
    if not configuration.runtime.startswith("python") or configuration.runtime == HOST_PYTHON:
        return None
    return f"function {configuration.name} asks for {configuration.runtime} and runs on {HOST_PYTHON}"


def _program(deployment: Deployment) -> Program | Unstartable:
    runtime, handler = deployment.configuration.runtime, deployment.configuration.handler
    if runtime.startswith("python3"):
        return PythonProgram(handler, imports_sdk(deployment.code_root))
    if runtime.startswith("nodejs"):
        return Executable((_node(deployment.configuration.name), str(NODE_BOOTSTRAP), handler))
    if runtime.startswith("provided"):
        return _own_bootstrap(deployment.code_root, deployment.layers_root)
    raise EnvironmentUnavailable(
        f"function {deployment.configuration.name}: callpark cannot run the runtime {runtime!r}\n"
        "use python3.*, nodejs*.x, or provided.* with a `bootstrap` file"
    )


def _node(function: str) -> str:
    found = os.environ.get("CALLPARK_NODE") or shutil.which("node")
    if found is None or shutil.which(found) is None:
        raise EnvironmentUnavailable(
            f"function {function} needs Node.js, and there is no `node` on PATH\n"
            "install Node.js 18 or newer, or set CALLPARK_NODE to its path"
        )
    return found


def _own_bootstrap(root: Path, layers: Path | None) -> Executable | Unstartable:
    bootstrap = root / "bootstrap"
    if not bootstrap.is_file() and layers is not None:
        bootstrap = layers / "bootstrap"
    if not bootstrap.is_file():
        return Unstartable(INVALID_ENTRYPOINT, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")
    if not os.access(bootstrap, os.X_OK):
        return Unstartable(INVALID_ENTRYPOINT, "fork/exec /var/task/bootstrap: permission denied")
    return Executable((str(bootstrap),))


def imports_sdk(root: Path) -> bool:
    """Whether the code imports boto3 and does not bring its own. A guess that costs only time when it is wrong."""
    if (root / "boto3").is_dir() or (root / "botocore").is_dir():
        return False
    read = 0
    for path in _python_files(root):
        try:
            source = path.read_bytes()
        except OSError:
            continue
        read += len(source)
        if _SDK_IMPORT.search(source) is not None:
            return True
        if read > _SCANNED_BYTES:
            return False
    return False


def _python_files(root: Path) -> Iterator[Path]:
    seen = 0
    for directory, names, files in os.walk(root):
        names[:] = sorted(n for n in names if n not in {"node_modules", "__pycache__"} and not n.startswith("."))
        for file in files:
            if file.endswith(".py"):
                seen += 1
                if seen > _SCANNED_FILES:
                    return
                yield Path(directory, file)
