"""The connection to the servers: asked with errors that callers can tell apart.

Opened by `arrival.py`; asked by the store, the writer, the reader, the follower and the blobs.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import msgspec
from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import StoreLimits
from callpark.store.nats.subjects import Subjects
from callpark.store.nats.uplink import Uplink
from callpark.store.ports import StoreFailure

_log = logging.getLogger("callpark")

_NO_MESSAGE = 10037

#: Resources of the server (10023), the account (10002, 10047, 10028) or the stream (10077, "maximum bytes exceeded").
_NO_SPACE = frozenset({10002, 10023, 10028, 10047, 10077})
_WRONG_LAST_SEQUENCE = frozenset({10071, 10164})

#: Refusals that pass by themselves: no leader, a server that starts, an unfinished batch.
PASSING = frozenset({10008, 10009, 10118, 10176, 10194, 10210})


class Address(msgspec.Struct, frozen=True):
    """Where the servers are, as `--store` says it: `nats://[user:password@]a:4222,b:4222/namespace`."""

    servers: tuple[str, ...]
    namespace: str = "default"


def parse_address(text: str) -> Address:
    """Raises ProjectError for what is no address."""
    scheme, found, rest = text.partition("://")
    hosts, _, namespace = rest.partition("/")
    servers = tuple(host.strip() for host in hosts.split(","))
    if not found or scheme not in ("nats", "tls") or not all(map(_is_host, servers)):
        raise ProjectError(
            f"{text!r} is no address of a store", "write nats://host:4222 or nats://a:4222,b:4222,c:4222[/namespace]"
        )
    return Address(tuple(f"{scheme}://{server}" for server in servers), namespace or "default")


def _is_host(text: str) -> bool:
    try:
        split = urlsplit(f"nats://{text}")
        return bool(split.hostname) and (split.port is None or split.port > 0)
    except ValueError:
        return False


class Unanswered(Exception):
    """No answer, or none yet: whether the request was carried out is unknown."""


class WrongSequence(Exception):
    """A message expected another last message of its subject; nothing of its batch was stored."""


class Refused(StoreFailure):
    """The servers refused for good: no space, a limit, a wrong setting."""


class Full(Refused):
    """There is no space left, or none that the servers may use."""


class Answer(msgspec.Struct):
    """What the servers say, as far as anybody here reads it."""

    class Error(msgspec.Struct):
        code: int = 0
        err_code: int = 0
        description: str = ""

    class State(msgspec.Struct):
        last_seq: int = 0
        messages: int = 0

    class Replica(msgspec.Struct):
        name: str
        current: bool = False
        offline: bool = False
        lag: int = 0

    class Cluster(msgspec.Struct):
        leader: str = ""
        replicas: "list[Answer.Replica]" = []

    class Stored(msgspec.Struct):
        subject: str
        seq: int
        hdrs: str = ""
        data: str = ""

    class Configuration(msgspec.Struct):
        name: str = ""
        num_replicas: int = 1
        subjects: list[str] = []

    error: Error | None = None
    seq: int = 0
    name: str = ""
    num_pending: int = 0
    state: State | None = None
    message: Stored | None = None
    config: dict[str, object] | None = None
    cluster: Cluster | None = None

    @property
    def configuration(self) -> Configuration:
        """What of the stream's configuration is ours to read."""
        return msgspec.convert(self.config or {}, Answer.Configuration)


_decode = msgspec.json.Decoder(Answer).decode


class Connection:
    """One connection of one node, open until `close`."""

    def __init__(self, client: Client, subjects: Subjects, limits: StoreLimits, uplink: Uplink) -> None:
        self.client = client
        self.subjects = subjects
        self.limits = limits
        self.uplink = uplink
        self.stored_at = time.monotonic()
        """When something was stored last: a leader that was cut off answers, and stores nothing."""
        self._inbox = client.new_inbox()
        self._replies: dict[str, asyncio.Future[Msg]] = {}
        self._asked = 0

    async def request(self, subject: str, payload: bytes, headers: dict[str, str] | None = None) -> Answer:
        """One question to JetStream. Raises Unanswered, WrongSequence and Refused."""
        try:
            answer = _checked(await self.answer(subject, payload, headers))
        except errors.MaxPayloadError:
            raise Refused(_too_large(subject, payload)) from None
        except (errors.Error, TimeoutError, OSError) as error:
            raise Unanswered(said(error)) from None
        if not subject.startswith("$"):
            self.stored_at = time.monotonic()
        return answer

    async def answer(self, subject: str, payload: bytes, headers: dict[str, str] | None = None) -> Answer:
        """The client's own `request` can swallow a cancellation that comes together with the answer (bpo-37658).

        Raises TimeoutError, OSError and errors of the client, NoRespondersError among them.
        """
        self._asked += 1
        inbox = f"{self._inbox}.{self._asked}"
        reply = self._replies[inbox] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self.limits.answer_seconds):
                await self.client.publish(subject, payload, reply=inbox, headers=headers)
                message = await reply
        finally:
            del self._replies[inbox]
        if message.headers is not None and message.headers.get("Status") == "503":
            raise errors.NoRespondersError
        return _decode(message.data)

    async def hear_replies(self) -> None:
        async def take(message: Msg) -> None:
            reply = self._replies.get(message.subject)
            if reply is not None and not reply.done():
                reply.set_result(message)

        await self.client.subscribe(f"{self._inbox}.*", cb=take, pending_msgs_limit=0, pending_bytes_limit=0)

    async def ask(self, operation: str, parameters: Mapping[str, object]) -> Answer:
        """An operation of JetStream's API on our stream, e.g. `STREAM.INFO`. Raises Unanswered and Refused."""
        return await self.request(f"$JS.API.{operation}.{self.subjects.stream}", msgspec.json.encode(parameters))

    async def publish(
        self, subject: str, payload: bytes, headers: dict[str, str] | None = None, reply: str = ""
    ) -> None:
        """Raises Unanswered and Refused."""
        try:
            await self.client.publish(subject, payload, reply=reply, headers=headers)
        except errors.MaxPayloadError:
            raise Refused(_too_large(subject, payload)) from None
        except (errors.Error, OSError) as error:
            raise Unanswered(said(error)) from None

    async def listen(self, subject: str, callback: Callable[[Msg], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        """Returns what ends it. Raises Unanswered."""
        try:
            subscription = await self.client.subscribe(
                subject, cb=callback, pending_msgs_limit=0, pending_bytes_limit=0
            )
        except (errors.Error, OSError) as error:
            raise Unanswered(said(error)) from None

        async def end() -> None:
            with contextlib.suppress(errors.Error, OSError):
                await subscription.unsubscribe()

        return end

    @property
    def server(self) -> str | None:
        """The one that is connected to."""
        url = self.client.connected_url
        return None if url is None else url.netloc.rpartition("@")[2]

    @property
    def largest_payload(self) -> int:
        return self.client.max_payload

    async def close(self) -> None:
        with contextlib.suppress(errors.Error, OSError, TimeoutError):
            async with asyncio.timeout(self.limits.answer_seconds):
                await self.client.flush()
        self.uplink.close()  # else the client waits until all is sent, over a silent network for ever
        with contextlib.suppress(errors.Error, OSError):
            await self.client.close()


async def pause(seconds: float) -> None:
    """Real seconds: servers do not live on the house's clock."""
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wake() -> None:
        if not done.done():
            done.set_result(None)

    handle = asyncio.get_running_loop().call_later(seconds, wake)
    try:
        await done
    finally:
        handle.cancel()


def said(error: BaseException) -> str:
    """What an error says, which for some is nothing."""
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


def elapsed() -> float:
    """Seconds that nothing stops or turns back."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def _too_large(subject: str, payload: bytes) -> str:
    return f"{len(payload)} bytes for {subject} are more than the servers' max_payload"


def _checked(answer: Answer) -> Answer:
    error = answer.error
    if error is None or error.err_code == _NO_MESSAGE:
        return answer
    if error.err_code in _WRONG_LAST_SEQUENCE:
        raise WrongSequence(error.description)
    if error.err_code in _NO_SPACE:
        raise Full(f"the NATS servers have no space: {error.description}")
    if error.err_code in PASSING or error.code == 503:
        raise Unanswered(error.description)
    raise Refused(f"the NATS servers refuse: {error.description} ({error.err_code})")
