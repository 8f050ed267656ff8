"""The key sets of token issuers: the local pool's, a file's, or fetched and kept for a while.

Asked by `authenticator.py` whether a token is its issuer's. An unknown key id has the set fetched again, at most every
`appsync.key_set_pause_seconds`, so neither a rotation nor a flood of forgeries is a problem.
https://openid.net/specs/openid-connect-discovery-1_0.html
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from callpark.graphql.auth.local_pool import LocalPool
from callpark.graphql.auth.tokens import KeySet, Token, key_set, knows, verified
from callpark.kernel.clock import Clock
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import AppSyncLimits

_log = logging.getLogger("callpark")

UNVERIFIED = "unverified"

Fetch = Callable[[str], Awaitable[bytes]]
"""Gets a document over HTTP. Raises OSError."""


@dataclass(slots=True)
class _Known:
    keys: KeySet
    fetched: float


class Keyring:
    """`sources`: issuer → a JWKS file, a JWKS URL, or `unverified`. Without one, user pools are the local pool and
    OpenID issuers are asked for their keys."""

    def __init__(
        self, clock: Clock, limits: AppSyncLimits, pool: LocalPool, sources: Mapping[str, str], fetch: Fetch
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._pool = pool
        self._sources = {issuer.rstrip("/"): source for issuer, source in sources.items()}
        self._fetch = fetch
        self._own: KeySet | None = None
        self._known: dict[str, _Known] = {}
        self._fetching: dict[str, asyncio.Task[None]] = {}
        self._warned: set[str] = set()

    async def signed(self, token: Token, issuer: str, *, local: bool) -> bool:
        """Whether `issuer` signed the token. `local`: it is a user pool, which lives here unless a source says else."""
        issuer = issuer.rstrip("/")
        source = self._sources.get(issuer)
        if source == UNVERIFIED:
            self._warn(issuer, f"tokens of {issuer} are not verified: whoever writes one is let in")
            return True
        if source is None and local:
            return verified(token, await self._local())
        known = self._known.get(issuer)
        if known is None or not knows(token, known.keys) or self._age(known) > self._limits.key_set_seconds:
            known = await self._refreshed(issuer, source, known)
        return known is not None and verified(token, known.keys)

    async def _local(self) -> KeySet:
        """The local pool's key: read or made once, on a thread; making one takes a tenth of a second."""
        if self._own is None:
            with self._clock.hold("the local user pool's key"):
                try:
                    self._own = key_set(await asyncio.to_thread(self._pool.document))
                except ProjectError as error:
                    self._warn(error.cause, f"tokens of user pools are refused: {error.cause}; {error.remedy}")
                    return ()
        return self._own

    def _age(self, known: _Known) -> float:
        return self._clock.now() - known.fetched

    async def _refreshed(self, issuer: str, source: str | None, known: _Known | None) -> _Known | None:
        if known is not None and self._age(known) < self._limits.key_set_pause_seconds:
            return known
        task = self._fetching.get(issuer)
        if task is None:
            task = self._fetching[issuer] = asyncio.create_task(self._get(issuer, source))
            task.add_done_callback(lambda done: self._fetching.pop(issuer, None))
        await asyncio.shield(task)
        return self._known.get(issuer)

    async def _get(self, issuer: str, source: str | None) -> None:
        """On failure the old keys stay; the attempt counts as one, so that the next waits its time."""
        try:
            with self._clock.hold(f"the keys of {issuer}"):
                keys = key_set(await self._document(issuer, source))
        except (OSError, ValueError) as error:
            _log.warning("the keys of %s cannot be read: %s; name them with --jwks %s=FILE", issuer, error, issuer)
            former = self._known.get(issuer)
            keys = former.keys if former is not None else ()
        self._known[issuer] = _Known(keys, self._clock.now())

    async def _document(self, issuer: str, source: str | None) -> object:
        if source is None:
            configuration = orjson.loads(await self._fetch(f"{issuer}/.well-known/openid-configuration"))
            address = configuration.get("jwks_uri") if isinstance(configuration, dict) else None
            if not isinstance(address, str):
                raise ValueError("its openid-configuration names no jwks_uri")
            return orjson.loads(await self._fetch(address))
        if source.startswith(("http://", "https://")):
            return orjson.loads(await self._fetch(source))
        return orjson.loads(await asyncio.to_thread(Path(source).read_bytes))

    def _warn(self, issuer: str, text: str) -> None:
        if issuer not in self._warned:
            self._warned.add(issuer)
            _log.warning("%s", text)
