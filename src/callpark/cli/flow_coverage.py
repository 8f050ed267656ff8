"""Coverage files on disk, and what `callpark flow coverage` shows of them."""

import os
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape

from callpark.flows.coverage_file import CoverageFile, merged, read_coverage
from callpark.kernel.errors import ProjectError


def read_recording(path: Path) -> CoverageFile:
    """What is in the file; nothing when there is none yet. Raises ProjectError."""
    try:
        return read_coverage(path.read_bytes(), str(path)) if path.exists() else CoverageFile()
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror}", "name a file for the coverage") from None


def add_recording(path: Path, recording: CoverageFile) -> None:
    """Put a call's edges to those in the file; the file is whole at every instant. Raises ProjectError."""
    together = merged([read_recording(path), recording])
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(together), indent=1) + b"\n")
        fresh.replace(path)
    except OSError as error:
        raise ProjectError(f"{path} cannot be written: {error.strerror}", "name a file in a folder there is") from None


def show_text(file: CoverageFile, console: Console) -> None:
    """A line for each flow, then the branches that nobody took."""
    for flow in file.flows:
        every = len(flow.taken) + len(flow.missing)
        style = "green" if not flow.missing else "yellow"
        calls = f"{flow.calls} call{'' if flow.calls == 1 else 's'}"
        console.print(
            f"[bold]{escape(flow.name)}[/]: [{style}]{flow.percent:g} %[/], {len(flow.taken)} of {every} edges, {calls}"
        )
        for branch in flow.missing:
            console.print(
                f"    [dim]not taken:[/] {escape(repr(branch.block))} ({branch.type}) {escape(branch.branch)} → "
                f"{escape(repr(branch.target))}"
            )
    if not file.flows:
        console.print("no flows")
