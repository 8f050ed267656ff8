"""Code that a template leaves in S3: fetched from whoever serves it, unpacked, put in the place of its stand-in.

Called by `app.py` between loading a project and serving it. Objects are kept in the user's cache folder by their ETag,
so that a reload asks for them and does not fetch them again. What cannot be had leaves its function or layer out.
"""

import asyncio
import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from callpark.functions.code.archive import check, unpack
from callpark.functions.model import Directory
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits
from callpark.projects.cache import cache_folder, filled
from callpark.projects.model import InS3, Project, StoredCode


class Buckets(Protocol):
    """Amazon S3, as the upstreams offer it."""

    def emptiness(self, service: str) -> str | None:
        """Why nothing can be there; None when something may be."""
        ...

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        """Raises CallerError."""
        ...


async def fetched(project: Project, buckets: Buckets, limits: LambdaLimits) -> Project:
    """The project with its code on this disk, without what could not be fetched, which is in its warnings."""
    folders: dict[Path, Path] = {}
    warnings = []
    for stored in project.stored:
        try:
            folders[stored.stand_in] = await _folder(stored.source, buckets, limits)
        except CallerError as error:
            warnings.append(_left_out(stored, f"{error.code}: {error.message}"))
        except OSError as error:
            warnings.append(_left_out(stored, f"{error.strerror}: {error.filename}"))
    missing = {stored.stand_in for stored in project.stored} - folders.keys()
    return dataclasses.replace(
        project,
        functions=tuple(
            dataclasses.replace(one, code=_placed(one.code, folders))
            for one in project.functions
            if one.code.path not in missing
        ),
        layers=tuple(
            dataclasses.replace(one, code=_placed(one.code, folders))
            for one in project.layers
            if one.code.path not in missing
        ),
        warnings=(*project.warnings, *warnings),
    )


def _left_out(stored: StoredCode, reason: str) -> str:
    return f"{stored.place}: the code of {stored.owner} lies at {stored.source}: {reason}; it is left out"


def _placed(code: Directory, folders: Mapping[Path, Path]) -> Directory:
    return Directory(folders.get(code.path, code.path))


async def _folder(source: InS3, buckets: Buckets, limits: LambdaLimits) -> Path:
    """Raises CallerError and OSError."""
    emptiness = buckets.emptiness("s3")
    if emptiness is not None:
        raise CallerError("NoSuchBucket", 404, emptiness)
    asked: dict[str, object] = {"Bucket": source.bucket, "Key": source.key}
    if source.version is not None:
        asked["VersionId"] = source.version
    found = await buckets.call("s3", "HeadObject", asked)
    identity = f"{source}\0{source.version}\0{found.get('ETag')}"
    folder = cache_folder() / "s3" / hashlib.sha256(identity.encode()).hexdigest()[:32]
    if not folder.is_dir():
        content = (await buckets.call("s3", "GetObject", asked)).get("Body")
        await asyncio.to_thread(_unpacked, content if isinstance(content, bytes) else b"", folder, limits)
    return folder


def _unpacked(data: bytes, folder: Path, limits: LambdaLimits) -> None:
    check(data, limits)
    with filled(folder) as work:
        unpack(data, work, limits)
