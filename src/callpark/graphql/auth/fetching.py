"""Documents of token issuers over HTTP: bounded in time and size.

`keyring.py` is given it by the composition root.
"""

from typing import TYPE_CHECKING

from callpark.kernel.limits import AppSyncLimits

if TYPE_CHECKING:  # loaded when somebody's keys are asked for
    import httpx


class DocumentFetcher:
    def __init__(self, limits: AppSyncLimits) -> None:
        self._limits = limits

    async def __call__(self, url: str) -> bytes:
        """The document's bytes. Raises OSError, with what went wrong as its text."""
        import httpx

        try:
            async with httpx.AsyncClient(timeout=self._limits.key_set_fetch_seconds) as client:
                return await self._read(client, url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OSError(f"{url}: {error or type(error).__name__}") from error

    async def _read(self, client: "httpx.AsyncClient", url: str) -> bytes:
        read = bytearray()
        async with client.stream("GET", url) as answer:
            answer.raise_for_status()
            async for part in answer.aiter_bytes():
                read += part
                if len(read) > self._limits.key_set_bytes:
                    raise OSError(f"{url} is larger than {self._limits.key_set_bytes} bytes")
        return bytes(read)
