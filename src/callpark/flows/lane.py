"""A contact's lane: its events in order, one turn at a time, saved before anybody sees the effects.

Made by `open_contacts.py`, one for each open contact. Everything here is loop callbacks; while the contact is parked
there is the lane, one alarm on the clock for the next of its timers, and nothing else.
"""

import asyncio
import functools
import logging
import math
from collections.abc import Mapping

import msgspec

from callpark.flows.channels.conversation import Correspondent, Talker
from callpark.flows.channels.hearing import tell, want_words
from callpark.flows.channels.voice import KEYS, Phone
from callpark.flows.chat.model import Draft
from callpark.flows.contact import Collecting, Contact, Conversing, End
from callpark.flows.custody import Movable
from callpark.flows.effects import (
    Effect,
    EndContact,
    ForPhone,
    Keep,
    OpenContact,
    SetAttributes,
    Show,
    StartFunction,
    Warn,
)
from callpark.flows.engine import handle
from callpark.flows.events import (
    AgentActed,
    BotConnected,
    BotLeft,
    Event,
    HungUp,
    KeyPressed,
    Posted,
    Spoke,
    Started,
    TimerFired,
    ViewAnswered,
)
from callpark.flows.exchange import Exchange
from callpark.flows.happenings import ContactEnded
from callpark.flows.program import Program
from callpark.flows.saving import saved
from callpark.flows.turn import FUNCTION
from callpark.flows.world import Unmeasured, World
from callpark.kernel.errors import ProjectError
from callpark.kernel.timers import Timer
from callpark.store.ports import Change, RevisionConflict

_log = logging.getLogger("callpark")

#: Loop turns for which a timer gives way, so that an answer of the same instant comes first (rule A15): a function that
#: wakes at that instant needs three to be heard. Microseconds, and fewer than virtual time needs to call itself quiet.
_TURNS_TO_GIVE_WAY = 5


class Lane:
    """One open contact. Also the line that its phone holds."""

    __slots__ = (
        "_alarm",
        "_busy",
        "_ended",
        "_exchange",
        "_idle",
        "_queue",
        "_world",
        "closed",
        "contact",
        "phone",
        "program",
        "written",
    )

    def __init__(
        self, exchange: Exchange, world: World, contact: Contact, program: Program, phone: Phone, written: int = 0
    ) -> None:
        self.written = written
        self._exchange = exchange
        self._world = world
        self._queue: tuple[Event, ...] = ()
        self._alarm: Timer | None = None
        self._busy = False
        self.contact = contact
        self.program = program
        self.phone = phone
        self.closed = False
        self._ended: asyncio.Future[End] | None = None
        self._idle: asyncio.Future[None] | None = None

    @property
    def idle(self) -> "asyncio.Future[None]":
        """Resolves when everything that has been posted so far is saved and done, or the lane is closed."""
        idle = self._idle
        if idle is None:
            idle = self._idle = asyncio.get_running_loop().create_future()
            if self.closed or not self._busy:
                self._rest()
        return idle

    @property
    def ended(self) -> "asyncio.Future[End]":
        """Resolves with the way the contact ended; made when somebody asks."""
        if self._ended is None:
            self._ended = asyncio.get_running_loop().create_future()
            if self.closed and self.contact.ended is not None:
                self._ended.set_result(self.contact.ended)
            elif self.closed:
                self._ended.cancel()
        return self._ended

    def press(self, key: str) -> None:
        """The caller presses a key. Raises ProjectError for what is no key."""
        if key not in KEYS:
            raise ProjectError(f"no phone has the key {key!r}", "keys are 0-9, * and #")
        self.post(KeyPressed(key))

    def hang_up(self) -> None:
        self.post(HungUp())

    def say(self, text: str) -> None:
        """The participant says something, to a bot if one listens."""
        self.post(Spoke(text))

    def answer_view(self, action: str, data: Mapping[str, object]) -> None:
        """The user of a view chooses an action."""
        self.post(ViewAnswered(action, data))

    def connect(self) -> None:
        """The customer of a chat is there."""
        self.post(Started())

    def write(self, draft: Draft) -> None:
        """A participant of a chat sends something."""
        self.post(Posted(draft))

    def bot_there(self, there: bool) -> None:
        """The custom participant of a chat has connected, or gone."""
        self.post(BotConnected() if there else BotLeft())

    def agent_leaves(self, name: str) -> None:
        """The agent of a chat leaves it."""
        self.post(AgentActed(name, "leave"))

    def greet(self) -> None:
        """Give the line to the phone."""
        self.phone.answered(self)
        if isinstance(self.phone, Correspondent):
            self.phone.opened(self)
        if isinstance(self.phone, Talker):
            self.phone.joined(self)

    def post(self, event: Event) -> None:
        """Let an event happen; a closed contact takes none."""
        if self.closed:
            return
        self._queue = (*self._queue, event)
        if not self._busy:
            self._busy = True
            self._after(_TURNS_TO_GIVE_WAY if isinstance(event, TimerFired) and self._awaits_answers() else 0)

    def _awaits_answers(self) -> bool:
        return any(invocation.state == "pending" for invocation in self.contact.invocations.values())

    def restore(self) -> None:
        """After a restart: arm what was armed, run again what was running, ask again for keys."""
        contact = self.contact
        for invocation in contact.invocations.values():
            if invocation.state == "pending" and invocation.deadline > self._exchange.clock.now():
                arn = invocation.function_arn
                start = StartFunction(invocation.id, arn, arn, invocation.payload, invocation.deadline)
                self._exchange.run_function(self, start)
        self.greet()
        if isinstance(contact.activity, Collecting):
            asked = contact.activity
            self.phone.keys_wanted(asked.maximum, asked.terminator, self._exchange.clock.now(), 0.0)
        elif isinstance(contact.activity, Conversing) and contact.activity.invocation_id is None:
            want_words(self.phone, self._exchange.clock.now(), 0.0)
        self._arm()

    def resume(self, world: World) -> None:
        """Take the turn again, in a world in which more is known; only this one."""
        world, self._world = self._world, world
        try:
            self._turn()
        finally:
            self._world = world

    @property
    def revision(self) -> int:
        """Of the contact's row, as it will be when what is under way is saved."""
        return self.written + self._busy

    def close(self) -> None:
        """Stop here; the contact stays as it is saved."""
        self.closed = True
        self._disarm()
        self._exchange.forget(self)
        self._rest()
        if self._ended is not None and not self._ended.done():
            self._ended.cancel()

    def _after(self, turns: int) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(self._turn if turns == 0 else functools.partial(self._after, turns - 1))

    def _turn(self) -> None:
        """Handle what is queued, then save."""
        if self.closed:
            return
        events, self._queue = sorted(self._queue, key=_precedence), ()
        effects: list[Effect] = []
        before, program = self.contact, self.program
        try:
            # A machine's clock may be set back between a timer's call and now; for the contact it is not.
            now = max([self._exchange.clock.now(), *(event.at for event in events if isinstance(event, TimerFired))])
            for event in events:
                self.contact, self.program, more = handle(self._world, self.program, self.contact, event, now)
                effects += more
            changes = [*self._saving(effects, now), *self._new_rows(effects)]
        except Unmeasured as unmeasured:
            self.contact, self.program, self._queue = before, program, (*events, *self._queue)
            self._exchange.measure(self, unmeasured, self._world)
            return
        except Exception:
            _log.exception("contact %s: the engine failed on %r", self.contact.id, events)
            self._fail("callpark failed; see its log")
            return
        if self.contact.desk is not before.desk or self.contact.ended is not None:
            self._exchange.moved(self.contact)
        if self.contact == before:
            self._carry_out(effects)
            return
        saving = asyncio.ensure_future(self._exchange.store.commit(changes))
        saving.add_done_callback(functools.partial(self._saved, effects))

    def _saving(self, effects: list[Effect], now: float) -> list[Change]:
        exchange = self._exchange
        self.contact, changes, items = saved(exchange.records, exchange.rows, self.contact, effects, now, self.written)
        if items:
            effects.insert(0, Show(tuple(items)))
        return changes

    def _new_rows(self, effects: list[Effect]) -> list[Change]:
        """Contacts that this one makes are saved with it, or neither is."""
        made = [self._exchange.prepare(self.contact, effect) for effect in effects if isinstance(effect, OpenContact)]
        return [self._exchange.rows.kept(contact, 0) for contact in made]

    def _saved(self, effects: list[Effect], saving: "asyncio.Future[None]") -> None:
        if self.closed or saving.cancelled():
            return
        error = saving.exception()
        if error is None:
            self.written += 1
            self._carry_out(effects)
        elif isinstance(error, RevisionConflict):
            self.lose()
        else:
            _log.error("contact %s could not be saved", self.contact.id, exc_info=error)
            self._fail("the contact could not be saved")

    def _carry_out(self, effects: list[Effect]) -> None:
        now = self._exchange.clock.now()
        try:
            for effect in effects:
                self._do(effect, now)
        except Exception:
            _log.exception("contact %s: an effect failed", self.contact.id)
            self._fail("callpark failed; see its log")
        if self.closed:
            return
        self._busy = bool(self._queue)
        if self._busy:
            self._after(0)
        else:
            self._arm()
            self._rest()

    def _rest(self) -> None:
        idle, self._idle = self._idle, None
        if idle is not None and not idle.done():
            idle.set_result(None)

    def _do(self, effect: Effect, now: float) -> None:
        if isinstance(effect, ForPhone):
            tell(self.phone, effect, now)
            return
        match effect:
            case Keep():
                self._exchange.keep(effect)
            case OpenContact():
                self._exchange.open(self.contact, effect)
            case SetAttributes():
                self._exchange.set_attributes(effect)
            case StartFunction():
                self._exchange.run_function(self, effect)
            case Warn():
                self._exchange.warn(effect.message)
            case EndContact():
                self._finish(now)
            case _:
                self._exchange.trace.emit(effect)

    def _arm(self) -> None:
        """Set the one alarm for the contact's next timer. While a turn is under way there may be none: the turn sets it
        when it is over."""
        at = min((due for _, due in self.contact.timers), default=math.inf)
        if self._alarm is not None:
            if self._alarm.at == at:
                return
            self._disarm()
        if at < math.inf:
            # Equal instants of all contacts come by contact id, the same in every run.
            self._alarm = self._exchange.clock.timer(at, self, self.contact.id)

    def _disarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def __call__(self) -> None:
        """The alarm has gone off: all timers of its instant are due. (The lane is its own callback: a bound method
        would be another 64 bytes for each parked contact.)"""
        alarm, self._alarm = self._alarm, None
        assert alarm is not None, "nobody else calls it"
        for name, due in self.contact.timers:
            if due <= alarm.at:
                self.post(TimerFired(name, due))
        if not self._busy:
            self._arm()

    def _fail(self, detail: str) -> None:
        """Our own failure: the caller is let go at once instead of being left in silence, and nothing of the contact is
        left that a restart would take up."""
        now = self._exchange.clock.now()
        effects: list[Effect] = [ContactEnded(self.contact.id, "OTHER", detail)]
        self.contact = msgspec.structs.replace(self.contact, ended=End("OTHER", detail), ended_at=now)
        try:
            changes = self._saving(effects, now)
        except Exception:
            _log.exception("contact %s cannot even be kept as ended", self.contact.id)
            changes = list(self._exchange.rows.removed(self.contact, self.written))
        forgetting = asyncio.ensure_future(self._exchange.store.commit(changes))
        forgetting.add_done_callback(self._forgotten)
        for effect in effects:
            self._do(effect, now)
        self._finish(now)

    def lose(self) -> None:
        """Another node took this one for dead and goes on with the contact."""
        if self.closed:
            return
        _log.warning("contact %s goes on at another node", self.contact.id)
        self.close()
        if isinstance(self.phone, Movable):
            self.phone.moved()
        else:
            self.phone.ended("OTHER", self._exchange.clock.now())

    def _forgotten(self, forgetting: "asyncio.Future[None]") -> None:
        if not forgetting.cancelled() and (error := forgetting.exception()) is not None:
            _log.warning("contact %s stays in the store, a restart will end it: %s", self.contact.id, error)

    def _finish(self, now: float) -> None:
        end = self.contact.ended
        assert end is not None
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(end)
        self.close()
        self.phone.ended(end.reason, now)


def _precedence(event: Event) -> int:
    """Within one instant: what people and functions do, then timers, a function's own limit last: a Wait that ends in
    the same instant has timed out (rule A15 is about answers)."""
    if not isinstance(event, TimerFired):
        return 0
    return 2 if event.name.startswith(FUNCTION) else 1
