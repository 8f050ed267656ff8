"""Blobs in an object store of JetStream, named by their SHA-256. Called by the store."""

import asyncio
import hashlib
import io

from nats import errors
from nats.js import JetStreamContext, api
from nats.js.errors import BucketNotFoundError, NotFoundError
from nats.js.object_store import ObjectStore

from callpark.kernel.limits import StoreLimits
from callpark.store.nats.connection import Connection, said
from callpark.store.ports import StoreFailure

_CHUNK_BYTES = 524_288


class Blobs:
    def __init__(self, connection: Connection, replicas: int, limits: StoreLimits) -> None:
        self._connection = connection
        self._replicas = replicas
        self._limits = limits
        self._bucket: ObjectStore | None = None

    async def put(self, data: bytes) -> str:
        """Raises StoreFailure."""
        digest = hashlib.sha256(data).hexdigest()
        try:
            bucket = await self._open()
            if await self._size(bucket, digest) != len(data):
                size = min(_CHUNK_BYTES, self._connection.largest_payload // 2)
                await bucket.put(digest, data, api.ObjectMeta(options=api.ObjectMetaOptions(max_chunk_size=size)))
        except (errors.Error, OSError) as error:
            raise StoreFailure(f"a blob cannot be kept: {said(error)}") from None
        return digest

    async def get(self, digest: str) -> bytes | None:
        """Raises StoreFailure."""
        if len(digest) != 64:
            return None
        problem = ""
        for _ in range(3):  # a server that is a moment behind the others has not all of it yet
            try:
                bucket = await self._open()
                into = io.BytesIO()
                async with asyncio.timeout(self._limits.answer_seconds * 10):
                    await bucket.get(digest, writeinto=into)
            except NotFoundError:
                return None
            except (errors.Error, TimeoutError, OSError) as error:
                problem = said(error)
                continue
            data = into.getvalue()
            if hashlib.sha256(data).hexdigest() == digest:
                return data
            problem = "it is not whole"
        raise StoreFailure(f"the blob {digest} cannot be read: {problem}")

    async def delete(self, digest: str) -> None:
        """Raises StoreFailure."""
        try:
            bucket = await self._open()
            if await self._size(bucket, digest) is not None:
                await bucket.delete(digest)
        except NotFoundError:
            return
        except (errors.Error, OSError) as error:
            raise StoreFailure(f"a blob cannot be removed: {said(error)}") from None

    async def _size(self, bucket: ObjectStore, digest: str) -> int | None:
        try:
            return (await bucket.get_info(digest)).size
        except NotFoundError:
            return None

    async def _open(self) -> ObjectStore:
        if self._bucket is None:
            context = JetStreamContext(self._connection.client, timeout=self._limits.answer_seconds * 2)
            name = self._connection.subjects.bucket
            try:
                self._bucket = await context.object_store(name)
            except (BucketNotFoundError, NotFoundError):
                self._bucket = await context.create_object_store(
                    name, api.ObjectStoreConfig(bucket=name, replicas=self._replicas)
                )
        return self._bucket
