"""The scripted caller."""

import pytest

from callpark.flows.channels.phone import Manner, ScriptedPhone
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import ProjectError

pytestmark = pytest.mark.sim


class Line:
    """Notes what the phone does; ends each input after so many keys."""

    def __init__(self, clock: VirtualClock, phone: ScriptedPhone, maximum: int = 99) -> None:
        self.clock = clock
        self.phone = phone
        self.maximum = maximum
        self.began = clock.now()
        self.pressed: list[tuple[float, str]] = []
        self.hung_up: float | None = None
        phone.answered(self)

    def ask(self, maximum: int = 99, terminator: str = "#", seconds: float = 2.0) -> None:
        self.maximum = maximum
        self.terminator = terminator
        self.taken = 0
        self.phone.keys_wanted(maximum, terminator, self.clock.now(), seconds)

    def press(self, key: str) -> None:
        self.pressed.append((round(self.clock.now() - self.began, 3), key))
        self.taken += 1
        if key == self.terminator or self.taken == self.maximum:
            self.phone.keys_ended(self.clock.now())

    def hang_up(self) -> None:
        self.hung_up = round(self.clock.now() - self.began, 3)

    @property
    def keys(self) -> str:
        return "".join(key for _, key in self.pressed)


async def test_keys_come_one_by_one_after_the_question(clock: VirtualClock) -> None:
    line = Line(clock, ScriptedPhone(clock, "12#"))
    await clock.advance(10)
    assert line.pressed == []
    line.ask(seconds=2.0)
    await clock.advance(10)
    assert line.pressed == [(12.5, "1"), (12.9, "2"), (13.3, "#")]


async def test_an_impatient_caller_interrupts(clock: VirtualClock) -> None:
    line = Line(clock, ScriptedPhone(clock, "1", Manner(patience=0.25)))
    line.ask(seconds=60)
    await clock.advance(1)
    assert line.pressed == [(0.25, "1")]


async def test_what_is_left_is_for_the_next_question(clock: VirtualClock) -> None:
    line = Line(clock, ScriptedPhone(clock, "1234"))
    line.ask(maximum=1)
    await clock.advance(30)
    assert line.keys == "1"
    line.ask(maximum=2)
    await clock.advance(30)
    assert line.keys == "123"


async def test_a_terminator_after_a_full_input_belongs_to_it(clock: VirtualClock) -> None:
    line = Line(clock, ScriptedPhone(clock, "12#3"))
    line.ask(maximum=2)
    await clock.advance(30)
    line.ask(maximum=1)
    await clock.advance(30)
    assert line.keys == "123"


async def test_a_menu_has_no_terminator(clock: VirtualClock) -> None:
    line = Line(clock, ScriptedPhone(clock, "1#"))
    line.ask(maximum=1, terminator="")
    await clock.advance(30)
    line.ask(maximum=1, terminator="")
    await clock.advance(30)
    assert line.keys == "1#"


async def test_a_comma_waits_for_the_next_question(clock: VirtualClock) -> None:
    line = Line(clock, ScriptedPhone(clock, "1,2"))
    line.ask()
    await clock.advance(30)
    assert line.keys == "1"
    line.phone.keys_ended(clock.now())
    line.ask()
    await clock.advance(30)
    assert line.keys == "12"


async def test_no_keys_when_nobody_asks_any_more(clock: VirtualClock) -> None:
    line = Line(clock, ScriptedPhone(clock, "123"))
    line.ask(seconds=0)
    await clock.advance(0.6)
    line.phone.keys_ended(clock.now())
    await clock.advance(30)
    assert line.keys == "1"
    line.phone.ended("CONTACT_FLOW_DISCONNECT", clock.now())
    assert line.phone.end == "CONTACT_FLOW_DISCONNECT"


async def test_hanging_up_after_a_while(clock: VirtualClock) -> None:
    line = Line(clock, ScriptedPhone(clock, "", Manner(hang_up_after=7)))
    await clock.advance(30)
    assert line.hung_up == 7


def test_keys_that_no_phone_has() -> None:
    with pytest.raises(ProjectError, match="no phone has the key 'A'"):
        ScriptedPhone(VirtualClock(), "12A")
