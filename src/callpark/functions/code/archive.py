"""Uploaded zip archives: checked before they are kept, unpacked without leaving their folder.

Called by `code/packages.py`, on a thread. An archive is hostile until shown otherwise: names that climb out, symbolic
links that point out, sizes that lie, and devices are refused with AWS's message for an unusable package.
Sizes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import errno
import io
import os
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from callpark.functions import refusals
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits

UNUSABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."
_EMPTY = "Uploaded file must be a non-empty zip"
_LINK_BYTES = 4_096
_CHUNK = 1 << 20
_DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EACCES, errno.EMFILE})
_BROKEN = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, ValueError, OSError)


def check(data: bytes, limits: LambdaLimits) -> None:
    """Whether an upload may be kept: structure, names, what it says it unpacks to. Raises CallerError."""
    if not data:
        raise refusals.invalid_parameter(_EMPTY)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_entries(entries, limits)
    except CallerError:
        raise
    except _BROKEN:
        raise refusals.invalid_parameter(UNUSABLE) from None


def unpack(data: bytes, target: Path, limits: LambdaLimits) -> None:
    """Write an archive's files below `target`, which is empty. Counts what really comes out. Raises CallerError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_entries(entries, limits)
            budget = limits.unzipped_bytes
            links: list[tuple[Path, str]] = []
            for entry in entries:
                place = target.joinpath(*_parts(entry))
                if entry.is_dir():
                    place.mkdir(parents=True, exist_ok=True)
                elif _is_link(entry):
                    links.append((place, _link_target(archive, entry)))
                else:
                    budget -= _write(archive, entry, place, budget, limits)
            # Links come last, so that no file is ever written through one.
            for place, pointed_at in links:
                _link(place, pointed_at, target)
    except CallerError:
        raise
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno in _DISK_TROUBLE:
            raise
        raise refusals.invalid_parameter(UNUSABLE) from None


def _check_entries(entries: list[zipfile.ZipInfo], limits: LambdaLimits) -> None:
    if not entries:
        raise refusals.invalid_parameter(_EMPTY)
    if len(entries) > limits.zip_entries:
        raise refusals.invalid_parameter(UNUSABLE)
    if sum(entry.file_size for entry in entries) > limits.unzipped_bytes:
        raise _too_much(limits)
    for entry in entries:
        _parts(entry)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        encrypted = entry.flag_bits & 0x1
        if encrypted or kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            raise refusals.invalid_parameter(UNUSABLE)


def _parts(entry: zipfile.ZipInfo) -> tuple[str, ...]:
    """The entry's path below the root. Raises CallerError for a path that leaves it."""
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or "\0" in entry.filename or not path.parts:
        raise refusals.invalid_parameter(UNUSABLE)
    return path.parts


def _is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _link_target(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    if entry.file_size > _LINK_BYTES:
        raise refusals.invalid_parameter(UNUSABLE)
    return archive.read(entry).decode()


def _link(place: Path, pointed_at: str, root: Path) -> None:
    """Make a link, and unmake it when it leads out of `root`, perhaps by way of another link."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(pointed_at)
    if os.path.isabs(pointed_at) or not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(root)):
        place.unlink()
        raise refusals.invalid_parameter(UNUSABLE)


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: Path, budget: int, limits: LambdaLimits) -> int:
    """Unpack one file; returns its size. `budget` is what may still come out, whatever the headers say."""
    place.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with archive.open(entry) as source, place.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > budget:
                raise _too_much(limits)
            sink.write(chunk)
    mode = stat.S_IMODE(entry.external_attr >> 16)
    # Readable in any case, executable where the archive says so (`bootstrap`); never set-uid or writable by others.
    place.chmod(0o644 | (mode & 0o111))
    return written


def _too_much(limits: LambdaLimits) -> CallerError:
    return refusals.invalid_parameter(f"Unzipped size must be smaller than {limits.unzipped_bytes} bytes")
