"""Settings of commands that serve a project only for as long as they run."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from callpark.cli import options
from callpark.kernel.limits import Limits
from callpark.settings import Settings
from callpark.upstreams.assignments import Assignments


@contextlib.asynccontextmanager
async def temporary(
    limits: Limits | None = None,
    parameters: Mapping[str, str] | None = None,
    *,
    strict: bool = False,
    upstreams: Assignments | None = None,
) -> AsyncIterator[Settings]:
    """A free port and a data folder that goes when the command ends."""
    with tempfile.TemporaryDirectory(prefix="callpark-", ignore_cleanup_errors=True) as folder:
        yield Settings(
            data=Path(folder),
            port=0,
            limits=limits or Limits(),
            parameters=parameters or {},
            upstreams=options.upstreams(None) if upstreams is None else upstreams,
            databases=options.databases(None),
            strict=strict,
        )
