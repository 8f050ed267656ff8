"""What an API remembers: entries by key until their time is up, bounded in number and size.

Made by `service.py` for each API that declares a cache; read and filled by `resolvers/cached.py` and, for whole
answers, by `service.py`. Values are kept as JSON text, so nobody changes what another gets, and sizes are known.
https://docs.aws.amazon.com/appsync/latest/devguide/enabling-caching.html
"""

import contextlib
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

import orjson

from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.model import CacheDefinition
from callpark.kernel.clock import Clock
from callpark.kernel.limits import AppSyncLimits
from graphql import OperationType

_HEADERS_LEFT_OUT = frozenset(
    (
        "authorization",
        "cloudfront-forwarded-proto",
        "cloudfront-is-desktop-viewer",
        "cloudfront-is-mobile-viewer",
        "cloudfront-is-smarttv-viewer",
        "cloudfront-is-tablet-viewer",
        "cloudfront-viewer-asn",
        "cloudfront-viewer-country",
        "content-length",
        "host",
        "priority",
        "sec-ch-ua",
        "sec-ch-ua-mobile",
        "sec-ch-ua-platform",
        "via",
        "x-amz-cf-id",
        "x-amz-date",
        "x-amz-security-token",
        "x-amzn-appsync-is-vpce-request",
        "x-amzn-remote-ip",
        "x-amzn-requestid",
        "x-amzn-trace-id",
        "x-forwarded-for",
    )
)


class ApiCache:
    """Keys begin with the field they belong to (`Query.post\\n…`), so that a field can be forgotten as a whole."""

    def __init__(self, clock: Clock, limits: AppSyncLimits) -> None:
        self._clock = clock
        self._limits = limits
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] <= self._clock.now():
            self.forget(key)
            return None
        return entry[1]

    def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep a value; what is larger than the whole cache is not kept."""
        size = len(key) + len(value)
        if size > self._limits.cache_bytes:
            return
        self.forget(key)
        self._entries[key] = (self._clock.now() + min(seconds, self._limits.cache_seconds), value)
        self._bytes += size
        while self._bytes > self._limits.cache_bytes or len(self._entries) > self._limits.cache_entries:
            self.forget(next(iter(self._entries)))

    def put_answer(self, key: str, value: bytes, seconds: float) -> None:
        """A whole answer; larger ones than AppSync's are not kept."""
        if len(value) <= self._limits.cached_operation_bytes:
            self.put(key, value, seconds)

    def forget(self, key: str) -> bool:
        """Whether there was such an entry, and it had not run out."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return False
        self._bytes -= len(key) + len(entry[1])
        return entry[0] > self._clock.now()

    def forget_all(self, field: str = "") -> int:
        """Forget every entry of a field, or all; how many there were."""
        prefix = f"{field}\n" if field else ""
        return sum(self.forget(key) for key in [key for key in self._entries if key.startswith(prefix)])


def entry_key(field: str, values: object) -> str | None:
    """The key of a field's entry; None when the values cannot be told apart as JSON."""
    try:
        text = orjson.dumps(values, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return None
    return f"{field}\n{hashlib.blake2b(text, digest_size=16).hexdigest()}"


def whole_answer(
    cache: ApiCache | None, declared: CacheDefinition | None, operation: OperationType, request: GraphqlRequest
) -> "WholeAnswer | None":
    """The place of a query's whole answer, where an API keeps whole answers (OPERATION_LEVEL_CACHING)."""
    if cache is None or declared is None or declared.behavior != "OPERATION_LEVEL_CACHING":
        return None
    if operation is not OperationType.QUERY:
        return None
    who = {name: value for name, value in (request.identity or {}).items() if name != "sourceIp"}
    told = {name: value for name, value in request.headers.items() if name not in _HEADERS_LEFT_OUT}
    asked = [request.query, request.operation_name, dict(request.variables)]
    key = entry_key("", [*asked, request.auth_mode, who, sorted(request.denied_fields), told])
    return None if key is None else WholeAnswer(cache, key, declared.ttl)


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """Where the data of one query is kept, all of it."""

    cache: ApiCache
    key: str
    seconds: float

    def answer(self) -> object:
        kept = self.cache.get(self.key)
        return None if kept is None else orjson.loads(kept)

    def keep(self, data: object) -> None:
        with contextlib.suppress(orjson.JSONEncodeError):  # nested too deeply to be written
            self.cache.put_answer(self.key, orjson.dumps(data), self.seconds)
