"""The telephone socket: `/_callpark/phone?target=NUMBER|FLOW&caller=NUMBER` calls a number of the running server.

A mount of the gateway. What the phone hears and the contact's trace go out as frames (`phone_frames.py`), keys come in.
Whoever leaves has hung up. Pages of other sites may not call: a browser names them in Origin, phones have none.
"""

import asyncio
import logging
from urllib.parse import parse_qs, urlsplit

from callpark.flows.api import phone_frames as frames
from callpark.flows.calls import Call
from callpark.flows.channels.voice import KEYS, Line
from callpark.flows.service import Flows
from callpark.kernel.asgi import Receive, Scope, Send, header, host
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.trace import Entry

_log = logging.getLogger("callpark")

_NORMAL, _POLICY_VIOLATION, _TRY_AGAIN = 1000, 1008, 1013
_CALLER = "+441632960001"

#: A call makes a few frames a second; whoever leaves so many unread is gone.
_UNSENT_FRAMES = 2_000


class PhoneSocket:
    """The mount. Holds nothing: each connection is one call."""

    def __init__(self, flows: Flows) -> None:
        self._flows = flows

    def matches(self, scope: Scope) -> bool:
        return bool(scope["type"] == "websocket" and scope["path"] == frames.PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        if foreign(scope):
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": "a page of another site"})
            return
        await send({"type": "websocket.accept", "headers": []})
        asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        target, caller = asked.get("target", [""])[0], asked.get("caller", [_CALLER])[0]
        phone = _WirePhone()
        try:
            call = self._flows.start_call(target, phone, caller)
        except ProjectError as error:
            await _refuse(send, frames.Refused(error.cause, error.remedy))
            return
        except CallerError as error:
            await _refuse(send, frames.Refused(error.message, "hang up some, or raise connect.calls"))
            return
        await self._converse(call, phone, receive, send)

    async def _converse(self, call: Call, phone: "_WirePhone", receive: Receive, send: Send) -> None:
        phone.put(frames.Answered(call.contact_id, self._flows.clock.now()))
        trace = self._flows.trace
        for entry in trace.entries(call.contact_id):
            phone.note(entry)
        stop = trace.listen(lambda entry: phone.note(entry) if entry.happening.subject == call.contact_id else None)
        reading = asyncio.ensure_future(_read(receive, call.line))
        writing = asyncio.ensure_future(_write(phone.outbox, send))
        call.ended.add_done_callback(lambda _: phone.put(None))
        try:
            await asyncio.wait((reading, writing, phone.deaf), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stop()
            call.line.hang_up()
            for task in (reading, writing):
                task.cancel()
            await asyncio.gather(reading, writing, return_exceptions=True)


class _WirePhone:
    """`flows.channels.voice.Phone` whose ear is at the other end of a socket. None in the outbox ends it.

    `deaf` is done when the other end has stopped reading, and the call ends.
    """

    def __init__(self) -> None:
        self.outbox: asyncio.Queue[frames.FromServer | None] = asyncio.Queue(_UNSENT_FRAMES)
        self.deaf: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def put(self, frame: frames.FromServer | None) -> None:
        try:
            self.outbox.put_nowait(frame)
        except asyncio.QueueFull:
            if not self.deaf.done():
                _log.warning("a phone does not read what it is sent; its call ends")
                self.deaf.set_result(None)

    def answered(self, line: Line) -> None:
        pass

    def heard(self, text: str, at: float, seconds: float) -> None:
        self.put(frames.Heard(text, at, seconds))

    def interrupted(self, at: float) -> None:
        self.put(frames.Interrupted(at))

    def keys_wanted(self, maximum: int, terminator: str, at: float, seconds_of_prompt: float) -> None:
        self.put(frames.KeysWanted(maximum, terminator, at, seconds_of_prompt))

    def keys_ended(self, at: float) -> None:
        self.put(frames.KeysEnded(at))

    def ended(self, reason: str, at: float) -> None:
        self.put(frames.Ended(reason, at))

    def note(self, entry: Entry) -> None:
        frame = frames.happened(entry)
        if frame is not None:
            self.put(frame)


async def _read(receive: Receive, line: Line) -> None:
    """Keys and the hang-up, until the phone leaves. What is no frame is named in a warning and changes nothing."""
    while (message := await receive())["type"] != "websocket.disconnect":
        try:
            frame = frames.from_phone(message.get("text") or message.get("bytes") or "")
        except ValueError as error:
            _log.warning("a phone sent what is no frame: %s", error)
            continue
        match frame:
            case frames.Press(key) if key in KEYS:
                line.press(key)
            case frames.Press(key):
                _log.warning("a phone sent %.20r, which is no key", key)
            case frames.HangUp():
                line.hang_up()


async def _write(outbox: "asyncio.Queue[frames.FromServer | None]", send: Send) -> None:
    try:
        while (frame := await outbox.get()) is not None:
            await send({"type": "websocket.send", "text": frames.to_text(frame)})
        await send({"type": "websocket.close", "code": _NORMAL})
    except OSError:
        return  # ASGI's way to say that the client is gone


async def _refuse(send: Send, refusal: frames.Refused) -> None:
    try:
        await send({"type": "websocket.send", "text": frames.to_text(refusal)})
        await send({"type": "websocket.close", "code": _TRY_AGAIN})
    except OSError:
        return


def foreign(scope: Scope) -> bool:
    """Whether a page of another site asks for a socket."""
    origin = header(scope, b"origin")
    return origin is not None and urlsplit(origin.decode("latin-1")).netloc != host(scope)
