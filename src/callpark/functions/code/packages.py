"""Where a function's code is on disk: directories in place, archives unpacked once by digest.

Called by `service.py`. Archives are blobs of the store; their unpacked form lives under `<data>/code/<digest>` and is
only a copy: it appears by rename, complete or not at all, and comes back from the blob when it is missing.
"""

import asyncio
import base64
import contextlib
import hashlib
import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from pathlib import Path

from callpark.functions.code import archive, directory
from callpark.functions.environments.ports import EnvironmentUnavailable
from callpark.functions.model import Archive, Code, CodeIdentity, Directory
from callpark.kernel.clock import Clock
from callpark.kernel.limits import LambdaLimits
from callpark.store.ports import Store, StoreFailure

_log = logging.getLogger("callpark")


class Packages:
    """`root` is the folder for unpacked archives."""

    def __init__(self, root: Path, store: Store, clock: Clock, limits: LambdaLimits) -> None:
        self._root = root
        self._store = store
        self._clock = clock
        self._limits = limits
        self._wanted: Counter[str] = Counter()
        self._unpacking: dict[str, asyncio.Future[Path]] = {}

    @contextlib.asynccontextmanager
    async def keeping(self, data: bytes) -> AsyncIterator[tuple[Archive, CodeIdentity]]:
        """`keep`, and nobody removes it before the caller has written down who uses it. Raises CallerError."""
        with self._clock.hold("package upload"):
            digest = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        self._wanted[digest] += 1
        try:
            yield await self.keep(data)
        finally:
            self._wanted[digest] -= 1

    async def release(self, digests: Collection[str]) -> None:
        """Forget archives that nobody uses any more. What is unpacked stays until the next start: a run may be using
        it. Failing to forget is no reason to fail."""
        for digest in digests:
            if not self._wanted[digest]:
                try:
                    await self._store.delete_blob(digest)
                except StoreFailure as failure:
                    _log.warning("the code package %s could not be removed: %s", digest, failure)

    async def keep(self, data: bytes) -> tuple[Archive, CodeIdentity]:
        """Check an upload, unpack it, keep it durably. Raises CallerError."""
        with self._clock.hold("package upload"):
            await asyncio.to_thread(archive.check, data, self._limits)
            digest = await asyncio.to_thread(lambda: hashlib.sha256(data).digest())
            await asyncio.to_thread(self._unpack, data, digest.hex())
            kept = Archive(await self._store.put_blob(data), len(data))
        return kept, CodeIdentity(base64.b64encode(digest).decode(), len(data))

    async def identify(self, code: Directory) -> CodeIdentity:
        """Raises ProjectError."""
        with self._clock.hold("code directory"):
            return await asyncio.to_thread(directory.identify, code.path)

    async def packed(self, code: Directory) -> bytes:
        """A directory as it is now, as an upload. Raises CallerError when it is too large for one."""
        with self._clock.hold("code snapshot"):
            return await asyncio.to_thread(directory.packed, code.path, self._limits)

    async def layers_root(self, layers: Sequence[tuple[Code, str]]) -> Path | None:
        """The directory that holds what all layers hold, later ones over earlier ones; None for no layers. Each comes
        with the identity of its content. Raises EnvironmentUnavailable when an archive is gone."""
        if not layers:
            return None
        roots = [await self.root_of(code) for code, _ in layers]
        if len(roots) == 1:
            return roots[0]
        identity = hashlib.sha256("\n".join(identity for _, identity in layers).encode()).hexdigest()
        with self._clock.hold("layers"):
            return await asyncio.to_thread(self._merge, roots, self._root / f"layers-{identity}")

    async def root_of(self, code: Code) -> Path:
        """The directory to run. Raises EnvironmentUnavailable when an archive is gone."""
        if isinstance(code, Directory):
            return code.path
        unpacking = self._unpacking.get(code.digest)
        if unpacking is None:
            unpacking = self._unpacking[code.digest] = asyncio.ensure_future(self._restore(code.digest))
            unpacking.add_done_callback(lambda _: self._unpacking.pop(code.digest, None))
        return await asyncio.shield(unpacking)

    async def sweep(self, kept: Collection[str]) -> None:
        """Remove unpacked archives whose digest is not among `kept`, and what a crash left half done."""
        await asyncio.to_thread(self._sweep, frozenset(kept))

    async def _restore(self, digest: str) -> Path:
        with self._clock.hold("code package"):
            target = self._root / digest
            if await asyncio.to_thread(target.is_dir):
                return target
            data = await self._store.get_blob(digest)
            if data is None:
                raise EnvironmentUnavailable(f"the code package {digest} is missing from the store")
            return await asyncio.to_thread(self._unpack, data, digest)

    def _unpack(self, data: bytes, digest: str) -> Path:
        target = self._root / digest
        if target.is_dir():
            return target
        half_done = self._half_done()
        try:
            archive.unpack(data, half_done, self._limits)
            _into_place(half_done, target)
        finally:
            shutil.rmtree(half_done, ignore_errors=True)
        return target

    def _merge(self, roots: Sequence[Path], target: Path) -> Path:
        if target.is_dir():
            return target
        half_done = self._half_done()
        try:
            for root in roots:
                shutil.copytree(root, half_done, symlinks=True, dirs_exist_ok=True)
            _into_place(half_done, target)
        finally:
            shutil.rmtree(half_done, ignore_errors=True)
        return target

    def _half_done(self) -> Path:
        self._root.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=".unpacking-", dir=self._root))

    def _sweep(self, kept: frozenset[str]) -> None:
        if self._root.is_dir():
            for entry in self._root.iterdir():
                if entry.name not in kept:
                    shutil.rmtree(entry, ignore_errors=True)


def _into_place(half_done: Path, target: Path) -> None:
    half_done.chmod(0o755)
    try:
        half_done.rename(target)
    except OSError:
        if not target.is_dir():
            raise
