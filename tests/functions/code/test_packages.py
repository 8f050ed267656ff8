"""Packages on disk: unpacked once, whole or not at all, back from the blob when they are missing."""

import asyncio
import base64
import hashlib
import os
from pathlib import Path

import pytest

from callpark.functions.code import archive, directory
from callpark.functions.code.packages import Packages
from callpark.functions.environments.ports import EnvironmentUnavailable
from callpark.functions.model import Archive, Directory
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.limits import LambdaLimits
from callpark.store.memory import MemoryStore
from tests.functions.scene import zipped

pytestmark = pytest.mark.unit


def packages_in(root: Path, store: MemoryStore, clock: VirtualClock) -> Packages:
    return Packages(root, store, clock, LambdaLimits())


def files_below(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*") if path.is_file()]


async def test_an_upload_is_kept_and_known_by_its_digest(clock: VirtualClock, tmp_path: Path) -> None:
    store, data = MemoryStore(clock), zipped({"app.py": "x = 1"})
    packages = packages_in(tmp_path, store, clock)
    kept, identity = await packages.keep(data)
    assert kept == Archive(hashlib.sha256(data).hexdigest(), len(data))
    assert identity.sha256 == base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert identity.size == len(data)
    assert (await packages.root_of(kept) / "app.py").read_text() == "x = 1"
    assert await store.get_blob(kept.digest) == data
    assert os.listdir(tmp_path) == [kept.digest]


async def test_a_missing_copy_comes_back_once(
    clock: VirtualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore(clock)
    kept, _ = await packages_in(tmp_path / "first", store, clock).keep(zipped({"app.py": "x = 1"}))
    unpacked: list[Path] = []
    real = archive.unpack

    def counted(data: bytes, target: Path, limits: LambdaLimits) -> None:
        unpacked.append(target)
        real(data, target, limits)

    monkeypatch.setattr(archive, "unpack", counted)
    later = packages_in(tmp_path / "second", store, clock)
    roots = await asyncio.gather(*(later.root_of(kept) for _ in range(5)))
    assert len(set(roots)) == 1
    assert len(unpacked) == 1
    assert (roots[0] / "app.py").is_file()


async def test_a_refused_upload_leaves_nothing(clock: VirtualClock, tmp_path: Path) -> None:
    packages = packages_in(tmp_path / "code", MemoryStore(clock), clock)
    for data in (b"rubbish", zipped({"../evil": "x"})):
        with pytest.raises(CallerError):
            await packages.keep(data)
    assert files_below(tmp_path) == []


async def test_an_archive_that_the_store_has_lost(clock: VirtualClock, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnavailable, match="is missing"):
        await packages_in(tmp_path, MemoryStore(clock), clock).root_of(Archive("ab" * 32, 10))


async def test_sweeping_keeps_what_is_used(clock: VirtualClock, tmp_path: Path) -> None:
    packages = packages_in(tmp_path, MemoryStore(clock), clock)
    used, _ = await packages.keep(zipped({"a": "1"}))
    await packages.keep(zipped({"a": "2"}))
    (tmp_path / ".unpacking-half").mkdir()
    await packages.sweep({used.digest})
    assert os.listdir(tmp_path) == [used.digest]


async def test_a_directory_runs_where_it_lies(clock: VirtualClock, tmp_path: Path) -> None:
    packages = packages_in(tmp_path / "code", MemoryStore(clock), clock)
    assert await packages.root_of(Directory(tmp_path)) == tmp_path
    assert not (tmp_path / "code").exists()


def test_a_directory_is_known_by_its_files(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x = 1")
    first = directory.identify(tmp_path)
    assert first.size == 5
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "app.cpython-311.pyc").write_bytes(b"byte code")
    assert directory.identify(tmp_path) == first
    (tmp_path / "data.json").write_text("{}")
    second = directory.identify(tmp_path)
    assert second != first
    os.utime(tmp_path / "app.py", ns=(1, 1))
    assert directory.identify(tmp_path) not in (first, second)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="does not exist"):
        directory.identify(tmp_path / "nowhere")
