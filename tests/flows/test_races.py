"""Every ordering of what can happen during an asynchronous Wait: {function returns, function fails, its limit passes,
the Wait passes, the customer hangs up, presses a key, the prompt ends}. Enumerated; the outcome is the one rules name.

An ordering is played as instants 1, 2, 3, …; each of the things that are timers is set to pass at its place. A model of
the rules, written apart from the engine, says what must come out.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import pytest

from callpark.flows.contact import from_bytes, to_bytes
from callpark.flows.effects import Say
from callpark.flows.events import FunctionAnswer, FunctionReturned, HungUp, KeyPressed, TimerFired
from callpark.flows.happenings import KeyTaken
from tests.flows.building import action, hang_up, invoke_async, load, say, wait
from tests.flows.driving import Driver

pytestmark = pytest.mark.unit

RETURNS, FAILS, LIMIT, WAITED, HANG_UP, KEY, PROMPT = "returns", "fails", "limit", "wait", "hang-up", "key", "prompt"
THINGS = (RETURNS, FAILS, LIMIT, WAITED, HANG_UP, KEY, PROMPT)
LATEST = "$.LambdaInvocation.InvocationId"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the customer heard last, and how the contact ended ("" while the last message is heard)."""

    said: str
    end: str


def expected(ordering: tuple[str, ...]) -> Outcome:
    """The rules: A2 a failure and a limit fire the event, A3 to A7 what loading gives, A9 the end of the Continue
    branch ends the contact, A18 a hang-up ends it. The first to end the Wait decides; only the first outcome counts."""
    for thing in ordering:
        if thing == HANG_UP:
            return Outcome("talk", "CUSTOMER_DISCONNECT")
        if thing == PROMPT:
            return Outcome("talk", "CONTACT_FLOW_DISCONNECT")
        if thing == RETURNS:
            return Outcome("loaded", "")
        if thing in (FAILS, LIMIT):
            return Outcome("failed", "")
        if thing == WAITED:
            return Outcome("late", "")
    return Outcome("talk", "")


def orderings() -> Iterator[tuple[str, ...]]:
    """Each choice of things in each order; a function returns or fails, not both (both is one too late)."""
    for size in range(len(THINGS) + 1):
        yield from itertools.permutations(THINGS, size)


class Race:
    """The pattern, with instants for its timers; nothing happens by itself before it is played."""

    def __init__(self) -> None:
        self.driver = Driver(
            invoke_async("invoke", "wait"),
            wait("wait", events={"R": (LATEST, "load")}, continuing="talk", completed="late", minimum="0"),
            say("talk", "talk", "bye"),
            load("load", "loaded", reference=LATEST, progress="unfinished", error="failed"),
            *[say(name, name, "park") for name in ("loaded", "unfinished", "failed", "late")],
            action(
                "park",
                "GetParticipantInput",
                {"EnableDTMFBuffer": "True", "InputTimeLimitSeconds": "180", "StoreInput": "False"},
                "bye",
                errors={"NoMatchingError": "bye"},
            ),
            hang_up(),
        ).start()
        self.invocation = self.driver.started[0].invocation_id

    def play(self, ordering: tuple[str, ...]) -> Outcome:
        driver = self.driver
        for instant, thing in enumerate(ordering, start=1):
            driver.now = float(instant)
            self._happen(thing)
        ended = driver.contact.ended
        said = [effect.text for effect in driver.effects if isinstance(effect, Say)]
        return Outcome(said[-1], "" if ended is None else ended.reason)

    def _happen(self, thing: str) -> None:
        """Timers are moved to this instant first, as if they had been armed for it."""
        driver = self.driver
        timer = {LIMIT: f"function {self.invocation}", WAITED: "wait", PROMPT: "prompt"}.get(thing)
        if thing == PROMPT and driver.contact.position != "talk":
            return  # this prompt was cut off: nothing of it is left to end
        if timer is not None:
            if driver.contact.due(timer) is not None:
                timers = tuple({**dict(driver.contact.timers), timer: driver.now}.items())
                driver.contact = msgspec.structs.replace(driver.contact, timers=timers)
            driver.happen(TimerFired(timer, driver.now))
        elif thing == RETURNS:
            driver.happen(FunctionReturned(self.invocation, FunctionAnswer(b"{}")))
        elif thing == FAILS:
            driver.happen(FunctionReturned(self.invocation, FunctionAnswer(b"", failed=True, message="boom")))
        else:
            driver.happen(HungUp() if thing == HANG_UP else KeyPressed("1"))


def test_every_ordering_comes_out_as_the_rules_say() -> None:
    played = 0
    race = Race()
    start, program, effects = race.driver.contact, race.driver.program, race.driver.effects
    for ordering in orderings():
        race.driver.contact, race.driver.program, race.driver.effects = start, program, list(effects)
        played += 1
        assert race.play(ordering) == expected_after(ordering), ordering
    assert played == sum(len(list(itertools.permutations(THINGS, size))) for size in range(8)) == 13_700


def expected_after(ordering: tuple[str, ...]) -> Outcome:
    """What is decided first, then whether the customer stays: after the Wait a hang-up still ends the contact."""
    first = expected(ordering)
    decided = next((i for i, thing in enumerate(ordering) if thing not in (KEY,)), len(ordering))
    if first.end == "" and HANG_UP in ordering[decided + 1 :]:
        return Outcome(first.said, "CUSTOMER_DISCONNECT")
    return first


@pytest.mark.parametrize("first", [RETURNS, FAILS, LIMIT, WAITED, HANG_UP, PROMPT])
@pytest.mark.parametrize("second", [RETURNS, FAILS, LIMIT, WAITED, HANG_UP, PROMPT])
def test_a_contact_restored_between_two_events_goes_on_as_the_original(first: str, second: str) -> None:
    original, restored = Race(), Race()
    for race in (original, restored):
        race.driver.now = 1.0
        race._happen(first)
    restored.driver.contact = from_bytes(to_bytes(restored.driver.contact))
    for race in (original, restored):
        race.driver.now = 2.0
        race._happen(second)
    assert to_bytes(restored.driver.contact) == to_bytes(original.driver.contact)
    assert restored.driver.effects == original.driver.effects


def test_a_key_in_the_continue_branch_is_lost() -> None:
    race = Race()
    race._happen(KEY)
    assert [effect.wanted for effect in race.driver.effects if isinstance(effect, KeyTaken)] == [False]
