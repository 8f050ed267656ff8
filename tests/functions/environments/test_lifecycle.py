"""What environments and runtimes may do when: the two tables, and what they refuse."""

import itertools

import pytest

from callpark.functions.environments.lifecycle import (
    LIFE_TRANSITIONS,
    RUNTIME_TRANSITIONS,
    Life,
    LifeEvent,
    Refusal,
    RuntimePhase,
    live,
    runtime_move,
)
from callpark.kernel.errors import RuntimeBug

pytestmark = pytest.mark.unit

PHASES = list(itertools.product(RuntimePhase, RuntimePhase))
LIVES = list(itertools.product(Life, LifeEvent))


@pytest.mark.parametrize(
    "path",
    [
        "Started Ready Running InvocationResponse RuntimeResponseSentState Ready",
        "Started Ready Running InvocationErrorResponse RuntimeResponseSentState Ready",
        "Started InitError",
        "Started Ready Ready Running",
    ],
)
def test_what_a_runtime_does(path: str) -> None:
    first, *rest = (RuntimePhase(name) for name in path.split())
    phase = first
    for wanted in rest:
        moved = runtime_move(phase, wanted)
        assert moved is wanted
        phase = wanted


def test_asking_again_while_running_stays_running() -> None:
    assert runtime_move(RuntimePhase.RUNNING, RuntimePhase.READY) is RuntimePhase.RUNNING


@pytest.mark.parametrize(("phase", "wanted"), [pair for pair in PHASES if pair not in RUNTIME_TRANSITIONS])
def test_every_other_transition_is_refused_with_awss_text(phase: RuntimePhase, wanted: RuntimePhase) -> None:
    refused = runtime_move(phase, wanted)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.error_type) == (403, "InvalidStateTransition")
    assert refused.message == (
        f"State transition from {phase.value} to {wanted.value} failed for runtime. "
        "Error: State transition is not allowed"
    )


def test_init_error_is_terminal() -> None:
    assert all(isinstance(runtime_move(RuntimePhase.INIT_ERROR, wanted), Refusal) for wanted in RuntimePhase)


@pytest.mark.parametrize(("life", "event"), [pair for pair in LIVES if pair not in LIFE_TRANSITIONS])
def test_what_cannot_happen_to_an_environment_is_a_bug(life: Life, event: LifeEvent) -> None:
    with pytest.raises(RuntimeBug, match=f"{life.value} cannot {event.value}"):
        live(life, event)


def test_a_crash_makes_it_cold_and_a_retirement_lets_it_finish() -> None:
    assert live(Life.BUSY, LifeEvent.LOSE) is Life.COLD
    assert live(Life.BUSY, LifeEvent.RETIRE) is Life.DRAINING
    assert live(Life.DRAINING, LifeEvent.FINISH) is Life.GONE


@pytest.mark.parametrize("life", Life)
def test_every_environment_can_be_ended_and_stays_gone(life: Life) -> None:
    assert live(life, LifeEvent.END) is Life.GONE
    assert {after for (before, _), after in LIFE_TRANSITIONS.items() if before is Life.GONE} == {Life.GONE}
