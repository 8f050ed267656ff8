"""What an agent types → orders for the server, or something for the terminal itself. Pure. Used by `agent_panel.py`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from callpark.flows.agents import notes, orders

HELP: Final = (
    "accept, reject, say TEXT, hold, resume, transfer TO (a queue, an agent or a quick connect), hangup, clear, "
    "status NAME, available, away, offline, contacts, use NUMBER|ID, wait NOTE, quit"
)

NOTES: Final = frozenset(
    str(kind.__struct_config__.tag)
    for kind in (
        notes.Offered,
        notes.OfferOver,
        notes.Connected,
        notes.Held,
        notes.Resumed,
        notes.Transferring,
        notes.Heard,
        notes.Left,
        notes.StatusSet,
    )
)
"""What can be waited for."""


@dataclass(frozen=True, slots=True)
class Wait:
    note: str


@dataclass(frozen=True, slots=True)
class Use:
    which: str


@dataclass(frozen=True, slots=True)
class Show:
    """The agent's contacts."""


@dataclass(frozen=True, slots=True)
class Help:
    pass


@dataclass(frozen=True, slots=True)
class Quit:
    pass


@dataclass(frozen=True, slots=True)
class Problem:
    """No command, or not a whole one."""

    cause: str


Command: TypeAlias = orders.Order | Wait | Use | Show | Help | Quit | Problem | None

_ABOUT_CONTACT: Final[Mapping[str, Callable[[str], orders.Order]]] = {
    "accept": orders.Accept,
    "reject": orders.Reject,
    "hold": orders.Hold,
    "resume": orders.Resume,
    "hangup": orders.HangUp,
    "clear": orders.Clear,
}
_STATUSES: Final = {"available": "Available", "away": "Away", "offline": "Offline"}


_RINGING: Final = frozenset(("offered", "connecting"))
_OPEN: Final = frozenset(("accepted", "connected", "held", "resumed", "transferring", "connected_onhold"))
_OVER: Final = frozenset(("left", "missed", "rejected", "ended"))


def meant(word: str, contacts: Mapping[str, str], current: str) -> str:
    """Which contact a command is about: the current one, if it is in a state for that, else another that is: the one
    that has rung longest, else the newest. `contacts`: states by id, oldest first."""
    states = _RINGING if word in ("accept", "reject") else _OVER if word == "clear" else _OPEN
    fitting = [contact_id for contact_id, state in contacts.items() if state in states]
    if not fitting or contacts.get(current) in states:
        return current
    return fitting[0] if states is _RINGING else fitting[-1]


def read_command(line: str, contacts: Mapping[str, str], current: str) -> Command:
    """A line as typed, about one of the contacts (ids with their states). None for an empty one."""
    word, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if not word or word.startswith("#"):
        return None
    if word in _STATUSES:
        return orders.SetStatus(_STATUSES[word])
    if word in ("quit", "exit"):
        return Quit()
    if word == "help":
        return Help()
    if word == "contacts":
        return Show()
    if word in _ABOUT_CONTACT or word in ("say", "transfer"):
        return _about(word, rest, meant(word, contacts, current))
    if word == "wait":
        return Wait(rest) if rest in NOTES else Problem(f"wait for one of {', '.join(sorted(NOTES))}, not {rest!r}")
    if word in ("status", "use"):
        if not rest:
            return Problem(f"{word} what?")
        return orders.SetStatus(rest) if word == "status" else Use(rest)
    return Problem(f"{word!r} is no command")


def _about(word: str, rest: str, contact_id: str) -> Command:
    if not contact_id:
        return Problem(f"{word}: there is no contact")
    if word in _ABOUT_CONTACT:
        return _ABOUT_CONTACT[word](contact_id)
    if not rest:
        return Problem(f"{word} what?" if word == "say" else "transfer to whom?")
    return orders.Say(contact_id, rest) if word == "say" else orders.Transfer(contact_id, rest)
