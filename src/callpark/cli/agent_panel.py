"""An agent's panel in the terminal, as `callpark agent` has it: commands in, notes out, over `/_callpark/agent`.

`-o json` prints each note as a line of JSON. A script's `wait NOTE` waits for the next note of that type that was not
waited for yet, so a script does not depend on how fast anything is.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

import msgspec
import orjson
from rich.markup import escape
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

from callpark.cli import exits, options
from callpark.cli.agent_commands import HELP, Command, Help, Problem, Quit, Show, Use, Wait, read_command
from callpark.cli.remote import Unreachable, explain
from callpark.cli.screen import answers, remarks, show_error
from callpark.cli.typed import typed
from callpark.flows.agents import notes, orders
from callpark.flows.api.agent_socket import PATH
from callpark.kernel.clock import SystemClock, sleep
from callpark.kernel.errors import ProjectError


@dataclass(frozen=True, slots=True)
class Played:
    """Whom to play, from which status on. `commands`: None for standard input. `patience`: seconds of a `wait`."""

    name: str
    status: str
    auto_accept: bool
    commands: tuple[str, ...] | None
    patience: float
    output: options.Output


_TRY_AGAIN: Final = 1013
_AGAIN_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 0.25

_notes: Final[msgspec.json.Decoder[notes.Note]] = msgspec.json.Decoder(notes.Note)
_encode: Final = msgspec.json.Encoder().encode


async def play(endpoint: str, played: Played) -> int:
    """Until the commands end, the server goes away, or Ctrl-C. 1 when a command could not be carried out."""
    try:
        panel = _Panel(endpoint, await _connect(endpoint, played), played)
        try:
            return await panel.run()
        finally:
            await panel.close()
    except Unreachable as error:
        return explain(error)
    except ConnectionClosed as error:
        return explain(Unreachable(endpoint, f"it went away: {error}"))


async def _connect(endpoint: str, played: Played) -> ClientConnection:
    base = endpoint.rstrip("/").replace("http", "ws", 1)
    asked = urlencode({"name": played.name, "auto_accept": "1" if played.auto_accept else "0"})
    try:
        return await connect(f"{base}{PATH}?{asked}", proxy=None, open_timeout=5)
    except InvalidURI as error:
        raise Unreachable(endpoint, "not a URL") from error
    except InvalidHandshake as error:
        raise Unreachable(endpoint, "something else answers there") from error
    except (OSError, TimeoutError, ValueError) as error:
        raise Unreachable(endpoint, str(error) or type(error).__name__) from error


class _Panel:
    """One panel. `contacts`: what the agent has to do with, the newest last; `current`: what commands are about."""

    def __init__(self, endpoint: str, socket: ClientConnection, played: Played) -> None:
        self._endpoint = endpoint
        self._socket = socket
        self._asking = False
        self._played = played
        self._told: list[notes.Note] = []
        self._waited: dict[str, int] = {}
        self._news = asyncio.Event()
        self._answers: asyncio.Queue[notes.Done | notes.Refused] = asyncio.Queue()
        self._contacts: dict[str, str] = {}
        self._current = ""
        self._refused = False

    async def run(self) -> int:
        seated = self._hear(await self._socket.recv())
        if isinstance(seated, notes.Refused):
            raise ProjectError(seated.cause, seated.remedy)
        listening = asyncio.ensure_future(self._listen())
        working = asyncio.ensure_future(self._work())
        try:
            await asyncio.wait((listening, working), return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                await working
            else:
                await listening
        finally:
            for task in (listening, working):
                task.cancel()
            await asyncio.gather(listening, working, return_exceptions=True)
        return exits.FUNCTION_ERROR if self._refused else exits.OK

    async def close(self) -> None:
        await self._socket.close()

    async def _listen(self) -> None:
        while True:
            try:
                note = self._hear(await self._socket.recv())
            except ConnectionClosed as closed:
                if closed.rcvd is None or closed.rcvd.code != _TRY_AGAIN:
                    raise
                await self._come_again(closed)
                continue
            if isinstance(note, notes.Done | notes.Refused):
                self._answers.put_nowait(note)

    async def _come_again(self, closed: ConnectionClosed) -> None:
        """Among several nodes: agents sit at another one now, which takes a moment."""
        clock = SystemClock()
        until = clock.now() + _AGAIN_SECONDS
        while True:
            if clock.now() >= until:
                raise closed
            with contextlib.suppress(Unreachable, ConnectionClosed):
                socket = await _connect(self._endpoint, self._played)
                self._hear(await socket.recv())
                self._socket = socket
                break
            await sleep(clock, _PAUSE_SECONDS, "another node")
        if self._asking:
            again = "see what has become of it, and ask again"
            self._answers.put_nowait(notes.Refused("the agents moved to another node meanwhile", again))

    async def _work(self) -> None:
        await self._ask(orders.SetStatus(self._played.status))
        async for line in self._lines():
            command = read_command(line, self._contacts, self._current)
            if isinstance(command, Quit):
                break
            await self._do(command)
        await self._ask(orders.SetStatus("Offline"))

    async def _lines(self) -> AsyncIterator[str]:
        if self._played.commands is None:
            async for line in typed():
                yield line
        else:
            for line in self._played.commands:
                yield line

    async def _do(self, command: Command) -> None:
        match command:
            case None | Quit():
                pass
            case Problem(cause):
                self._complain(ProjectError(cause, HELP))
            case Wait(kind):
                await self._wait(kind)
            case Use(which):
                self._use(which)
            case Show():
                self._show_contacts()
            case Help():
                remarks.print(HELP, style="dim")
            case _:
                await self._ask(command)

    async def _ask(self, order: orders.Order) -> None:
        self._asking = True
        try:
            with contextlib.suppress(ConnectionClosed):  # who listens hears of that too
                await self._socket.send(_encode(order).decode())
            answer = await self._answers.get()
        finally:
            self._asking = False
        if isinstance(answer, notes.Refused):
            self._complain(ProjectError(answer.cause, answer.remedy))
        elif isinstance(order, orders.Clear):
            self._contacts.pop(order.contact_id, None)

    def _complain(self, error: ProjectError) -> None:
        self._refused = True
        show_error(error)

    async def _wait(self, kind: str) -> None:
        try:
            async with asyncio.timeout(self._played.patience):
                while True:
                    for place in range(self._waited.get(kind, 0), len(self._told)):
                        self._waited[kind] = place + 1
                        if _type(self._told[place]) == kind:
                            return
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            what = f"waited {self._played.patience:g} s for {kind}, in vain"
            self._complain(ProjectError(what, "--patience waits longer"))

    def _use(self, which: str) -> None:
        ids = list(self._contacts)
        found = [ids[int(which) - 1]] if which.isdecimal() and 0 < int(which) <= len(ids) else []
        found = found or [id_ for id_ in ids if id_.startswith(which)]
        if len(found) != 1:
            self._complain(ProjectError(f"{which!r} is not one of your contacts", "`contacts` lists them"))
        else:
            self._current = found[0]

    def _hear(self, text: str | bytes) -> notes.Note:
        note = _notes.decode(text)
        self._follow(note)
        if not isinstance(note, notes.Done | notes.Refused):
            self._told.append(note)
            self._news.set()
            self._show(note)
        return note

    def _follow(self, note: notes.Note) -> None:
        match note:
            case notes.Seated(agent=view):
                self._contacts = {one.contact_id: one.state.lower() for one in view.contacts}
                self._current = next(reversed(self._contacts), "")
            case notes.OfferOver(contact_id=contact_id, outcome=outcome):
                self._contacts[contact_id] = outcome
                if outcome == "withdrawn":
                    del self._contacts[contact_id]
            case notes.Done() | notes.Refused() | notes.StatusSet() | notes.Heard():
                pass
            case _:
                self._contacts[note.contact_id] = _type(note)
                if isinstance(note, notes.Connected):
                    self._current = note.contact_id

    # What is shown

    def _show(self, note: notes.Note) -> None:
        if self._played.output is options.Output.JSON:
            answers.print(orjson.dumps(msgspec.to_builtins(note)).decode(), markup=False, highlight=False)
            return
        at = note.at if not isinstance(note, notes.Done | notes.Refused) else 0.0
        clock = datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
        answers.print(f"[dim]{clock}[/] {_sentence(note)}")

    def _show_contacts(self) -> None:
        for number, (contact_id, state) in enumerate(self._contacts.items(), 1):
            mark = "*" if contact_id == self._current else " "
            answers.print(f"{mark} {number} {contact_id} {state}", markup=False)
        if not self._contacts:
            remarks.print("no contacts", style="dim")


def _type(note: notes.Note) -> str:
    return str(type(note).__struct_config__.tag)


def _sentence(note: notes.Note) -> str:
    match note:
        case notes.Seated(agent=view):
            contacts = f", with {len(view.contacts)} contacts" if view.contacts else ""
            return f"you are [bold]{escape(view.name)}[/]{contacts}; `help` lists what you can do"
        case notes.Offered():
            who = escape(note.customer or "a customer")
            return f"[bold yellow]rings[/] {note.channel.lower()} from {who}, queue {escape(note.queue)}: accept?"
        case notes.OfferOver(outcome=outcome):
            return f"[dim]{outcome}[/]"
        case notes.Connected():
            return "[bold green]connected[/]"
        case notes.Heard(who="customer", text=text):
            return f"[bold]customer:[/] {escape(text)}"
        case notes.Heard(who=who, text=text):
            return f"[dim]{who}:[/] {escape(text)}"
        case notes.Left(why=why):
            return f"[bold]over[/]: {escape(why)}; `clear` when you are done"
        case notes.StatusSet(status=status):
            return f"[dim]you are {escape(status)}[/]"
        case _:
            return f"[bold]{_type(note).replace('_', ' ')}[/]"
