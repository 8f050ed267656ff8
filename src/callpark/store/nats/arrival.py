"""How a node finds the servers and its store there when it starts: with patience for what passes by itself.

Servers that are not there yet, have no leader or do not answer are waited for, `store.start_seconds` in all, and a line
says so; a wrong password, no JetStream, a server that is too old or has no space are refused at once. Called by
`store.py`; what the servers are asked with afterwards is `connection.py`.
"""

import asyncio
import contextlib
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeVar

import msgspec
from nats import errors
from nats.aio.client import Client

from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import StoreLimits
from callpark.store.nats.connection import PASSING, Address, Answer, Connection, Unanswered, pause, said
from callpark.store.nats.subjects import Subjects
from callpark.store.nats.uplink import PINGS, Uplink

_log = logging.getLogger("callpark")

T = TypeVar("T")

#: Atomic batches and messages that the server forgets by itself.
OLDEST_SERVER: Final = (2, 12)

_AGAIN_SECONDS = 0.1
_SAY_AGAIN_SECONDS = 10.0
#: Who is only a moment late needs no line.
_SILENT_SECONDS = 1.0

_STREAM_NOT_FOUND = 10059
_NOT_CLUSTERED = 10074
#: "insufficient resources", "no suitable peers for placement": of several servers not all are there yet.
_TOO_FEW_SERVERS = (10023, 10005)


class Patience:
    """`seconds` for everything that has to be waited for at one start."""

    def __init__(self, where: Address, seconds: float) -> None:
        self.shown = ",".join(server.rpartition("@")[2].rpartition("//")[2] for server in where.servers)
        self._began = time.monotonic()
        self._seconds = seconds
        self._said_at = self._began + _SILENT_SECONDS - _SAY_AGAIN_SECONDS
        self.why = "no answer"

    @property
    def left(self) -> float:
        return max(0.0, self._began + self._seconds - time.monotonic())

    def say(self, why: str) -> None:
        """What is waited for, on a line now and then."""
        self.why = why
        now = time.monotonic()
        if now - self._said_at >= _SAY_AGAIN_SECONDS and self.left:
            self._said_at = now
            _log.warning("waiting for the NATS servers at %s, %.0f s at most: %s", self.shown, self.left, why)

    async def wait(self, why: str) -> None:
        """Raises TimeoutError when it is time to give up."""
        self.say(why)
        if not self.left:
            raise TimeoutError(why)
        await pause(_AGAIN_SECONDS)

    async def insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Until there is an answer. Raises TimeoutError, and what `act` raises."""
        while True:
            try:
                return await act()
            except Unanswered as error:
                await self.wait(said(error))


async def arrive(
    where: Address, limits: StoreLimits, patience: Patience, *, name: str, found: Callable[[], None]
) -> Connection:
    """A connection to servers that can keep a store. Raises ProjectError. `found` is told when the connection is
    there again after an interruption."""
    uplink = Uplink()
    client = await _connected(where, limits, patience, uplink, name, found)
    try:
        _check_server(client, where, patience.shown)
        connection = Connection(client, Subjects(where.namespace), limits, uplink)
        await connection.hear_replies()
        await _check_jetstream(connection, patience)
    except BaseException:
        await client.close()
        raise
    return connection


async def prepare(connection: Connection, where: Address, patience: Patience, replicas: int | None) -> int:
    """The stream exists; returns how many replicas it has. `replicas` None: three, or as many as there are servers.
    Raises ProjectError."""
    stream = connection.subjects.stream
    answer = await _asked(connection, patience, f"STREAM.INFO.{stream}", {}, _STREAM_NOT_FOUND)
    if answer.config is not None and answer.error is None:
        found = answer.configuration
        has = replicas or found.num_replicas
        kept = sorted({*found.subjects, *connection.subjects.kept()})  # also those of a newer callpark
        if has != found.num_replicas or kept != sorted(found.subjects):
            changed = {**answer.config, "num_replicas": has, "subjects": kept}  # an operator's bounds stay
            await _asked(connection, patience, f"STREAM.UPDATE.{stream}", changed)
        return has
    count = replicas or min(3, len(connection.client.servers))
    while True:
        answer = await _create(connection, patience, count)
        if answer.error is None:
            return count
        if answer.error.err_code == _NOT_CLUSTERED and len(where.servers) > 1:
            raise ProjectError(
                f"the NATS servers at {patience.shown} are not one cluster",
                "give each of them a `cluster` section with the routes to the others, or name one server",
            )
        if answer.error.err_code != _NOT_CLUSTERED and patience.left:
            patience.say(f"{count} replicas: {answer.error.description}")
            await pause(_AGAIN_SECONDS)
        elif replicas is not None or count == 1:
            raise ProjectError(
                f"the store cannot have {count} replicas: {answer.error.description}",
                "start more servers, or ask for fewer with --store-replicas",
            )
        else:
            count -= 1
            _log.warning(
                "only %d of the NATS servers can keep the store now; when the others are there, start a node with "
                "--store-replicas %d",
                count,
                count + 1,
            )


async def _create(connection: Connection, patience: Patience, count: int) -> Answer:
    subject = f"STREAM.CREATE.{connection.subjects.stream}"
    return await _asked(
        connection, patience, subject, _configuration(connection.subjects, count), _NOT_CLUSTERED, *_TOO_FEW_SERVERS
    )


async def _connected(
    where: Address, limits: StoreLimits, patience: Patience, uplink: Uplink, name: str, found: Callable[[], None]
) -> Client:
    """Raises ProjectError when no server answers, or when all of them would go on refusing."""
    loop = asyncio.get_running_loop()
    refused: asyncio.Future[ProjectError] = loop.create_future()
    client = Client()
    client._transport = uplink

    async def on_found() -> None:
        found()

    async def on_error(error: Exception) -> None:
        if connecting.done():
            _log.debug("store connection: %s", error)
            return
        refusal = _refusal(error, patience.shown)
        if refusal is None:
            patience.say(said(error))
        elif not refused.done():
            refused.set_result(refusal)

    connecting = asyncio.ensure_future(
        client.connect(
            list(where.servers),
            name=f"callpark {name}",
            no_echo=True,
            connect_timeout=2,
            reconnect_time_wait=_AGAIN_SECONDS,  # type: ignore[arg-type]
            max_reconnect_attempts=-1,
            allow_reconnect=True,
            pending_size=64 * 1024 * 1024,
            ping_interval=limits.socket_seconds / (PINGS + 1),  # type: ignore[arg-type]
            max_outstanding_pings=PINGS,
            reconnect_to_server_handler=uplink.rotation.following,
            reconnected_cb=on_found,
            error_cb=on_error,
        )
    )
    try:
        either: list[asyncio.Future[None] | asyncio.Future[ProjectError]] = [connecting, refused]
        await asyncio.wait(either, timeout=patience.left, return_when=asyncio.FIRST_COMPLETED)
        if connecting.done():
            connecting.result()
            if client.connected_url is not None:
                uplink.rotation.note(client.connected_url.netloc)
            return client
        raise refused.result() if refused.done() else _nobody(patience, patience.why)
    except (OSError, errors.Error) as error:
        raise _refusal(error, patience.shown) or _nobody(patience, said(error)) from None
    finally:
        if not client.is_connected:
            connecting.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await connecting
            with contextlib.suppress(Exception):
                await client.close()


def _refusal(error: BaseException, shown: str) -> ProjectError | None:
    """What another try would not mend."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return ProjectError(
            f"the certificate of the NATS servers at {shown} is not trusted: {error.verify_message}",
            "correct the name in --store, or trust its authority with SSL_CERT_FILE",
        )
    if "authorization" in str(error).lower():
        return ProjectError(
            f"the NATS servers at {shown} do not let this node in: {said(error)}",
            "write user and password into --store: nats://user:password@host:4222",
        )
    return None


def _nobody(patience: Patience, why: str) -> ProjectError:
    return ProjectError(
        f"no NATS server answers at {patience.shown}: {why}",
        "start one (`nats-server -js`, or `callpark cluster up`), or correct --store",
    )


def _check_server(client: Client, where: Address, shown: str) -> None:
    """Raises ProjectError."""
    version = client.connected_server_version
    if (version.major, version.minor) < OLDEST_SERVER:
        raise ProjectError(
            f"the NATS server at {shown} is {version.major}.{version.minor}; callpark needs 2.12 or later",
            "upgrade the servers one after the other; nodes wait for them meanwhile",
        )
    if where.servers[0].startswith("tls://") and not _info(client).get("tls_required"):
        raise ProjectError(
            f"the NATS server at {shown} speaks no TLS, which tls:// asks for",
            "give it a `tls` section, or write nats:// if the network can be trusted",
        )


def _info(client: Client) -> Mapping[str, object]:
    """What the server has said of itself; the client offers no other way to it."""
    return client._server_info


async def _check_jetstream(connection: Connection, patience: Patience) -> None:
    """Raises ProjectError."""
    while True:
        try:
            answer = await connection.answer("$JS.API.INFO", b"")
        except errors.NoRespondersError:
            if not _info(connection.client).get("jetstream"):
                raise ProjectError(
                    f"the NATS server at {patience.shown} runs without JetStream",
                    "start it with `-js`, or with a `jetstream` section in its configuration",
                ) from None
            why = "JetStream has not started"
        except (errors.Error, TimeoutError, OSError) as error:
            why = said(error)
        else:
            if answer.error is None:
                return
            why = answer.error.description
            if answer.error.err_code not in PASSING:
                raise ProjectError(
                    f"the NATS server at {patience.shown} gives this account no JetStream: {why}",
                    "enable JetStream for the account, or use another one",
                )
        await _wait(patience, why)


async def _asked(
    connection: Connection, patience: Patience, operation: str, parameters: Mapping[str, object], *allowed: int
) -> Answer:
    """JetStream's answer, or one of the `allowed` errors. Raises ProjectError."""
    while True:
        try:
            answer = await connection.answer(f"$JS.API.{operation}", msgspec.json.encode(parameters))
        except (errors.Error, TimeoutError, OSError) as error:
            why = said(error)
        else:
            if answer.error is None or answer.error.err_code in allowed:
                return answer
            why = answer.error.description
            if answer.error.err_code not in PASSING:
                raise ProjectError(
                    f"the NATS servers refuse to keep the store: {why}",
                    "give JetStream the space and the rights it needs, then start again",
                )
        await _wait(patience, why)


async def _wait(patience: Patience, why: str) -> None:
    """Raises ProjectError when it is time to give up."""
    try:
        await patience.wait(why)
    except TimeoutError:
        raise ProjectError(
            f"JetStream does not answer ({why}): no leader, so most of its servers are not there",
            "start the other servers; more than half of them have to run",
        ) from None


def _configuration(subjects: Subjects, replicas: int) -> dict[str, object]:
    return {
        "name": subjects.stream,
        "description": "callpark: items, rows and members of one store",
        "subjects": subjects.kept(),
        "retention": "limits",
        "storage": "file",
        "discard": "new",
        "max_msgs_per_subject": 1,
        "num_replicas": replicas,
        "allow_direct": True,
        "allow_atomic": True,
        "allow_msg_ttl": True,
    }
