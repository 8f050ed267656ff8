"""A call to a running server: the telephone stays here, the conversation is there (`/_callpark/phone`).

`make_remotely` drives a local phone with what the server sends and sends its keys. Returns the contact's trace.
"""

import asyncio
from collections.abc import Callable
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from callpark.cli.remote import Unreachable
from callpark.flows.api import phone_frames as frames
from callpark.flows.channels.voice import Phone
from callpark.kernel.errors import ProjectError
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Entry


async def make_remotely(
    endpoint: str, target: str, phone: Phone, caller: str, note: Callable[[Entry], None]
) -> list[Entry]:
    """One call from start to end. `note` hears each trace entry as it comes. Raises Unreachable, and ProjectError when
    nobody answers there."""
    socket = await _connect(endpoint, target, caller)
    line = _WireLine(socket)
    entries: list[Entry] = []
    try:
        async for text in socket:
            frame = frames.from_server(text)
            if isinstance(frame, frames.Happened):
                entry = frames.entry(frame)
                if entry is not None:
                    entries.append(entry)
                    note(entry)
            else:
                _hear(frame, phone, line)
    except ConnectionClosed as closed:
        raise Unreachable(endpoint, "it went away during the call") from closed
    finally:
        await line.close()
        await socket.close()
    if socket.close_code != 1000:
        raise Unreachable(endpoint, "it stopped during the call")
    return entries


class _WireLine:
    """`Line` whose exchange is at the other end of the socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._outbox: asyncio.Queue[frames.FromPhone] = asyncio.Queue()
        self._tasks = Tasks("phone")
        self._tasks.spawn(self._send(), "keys")

    def press(self, key: str) -> None:
        self._outbox.put_nowait(frames.Press(key))

    def hang_up(self) -> None:
        self._outbox.put_nowait(frames.HangUp())

    async def close(self) -> None:
        await self._tasks.aclose()

    async def _send(self) -> None:
        try:
            while True:
                await self._socket.send(frames.to_text(await self._outbox.get()))
        except ConnectionClosed:
            return


def _hear(frame: frames.FromServer, phone: Phone, line: _WireLine) -> None:
    match frame:
        case frames.Answered():
            phone.answered(line)
        case frames.Refused(cause, remedy):
            raise ProjectError(cause, remedy)
        case frames.Heard(text, at, seconds):
            phone.heard(text, at, seconds)
        case frames.Interrupted(at):
            phone.interrupted(at)
        case frames.KeysWanted(maximum, terminator, at, seconds_of_prompt):
            phone.keys_wanted(maximum, terminator, at, seconds_of_prompt)
        case frames.KeysEnded(at):
            phone.keys_ended(at)
        case frames.Ended(reason, at):
            phone.ended(reason, at)


async def _connect(endpoint: str, target: str, caller: str) -> ClientConnection:
    base = endpoint.rstrip("/").replace("http", "ws", 1)
    url = f"{base}{frames.PATH}?{urlencode({'target': target, 'caller': caller})}"
    try:
        return await connect(url, proxy=None, open_timeout=5)
    except InvalidURI as error:
        raise Unreachable(endpoint, "not a URL") from error
    except InvalidHandshake as error:
        raise Unreachable(endpoint, "something else answers there") from error
    except (OSError, TimeoutError, ValueError) as error:
        raise Unreachable(endpoint, str(error) or type(error).__name__) from error
