"""The two state machines of an execution environment, each one table. Pure.

`RuntimePhase` is what the Runtime API allows the process to ask next (`runtime_api.py` calls `runtime_move`);
`Life` is the environment itself, over several processes (`environment.py` calls `live`). What a table does not list is
refused: the runtime's mistake with AWS's text, our own with `RuntimeBug`.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; states as in AWS's Runtime Interface Emulator.
"""

from collections.abc import Mapping
from enum import Enum

import msgspec

from callpark.kernel.errors import RuntimeBug


class RuntimePhase(Enum):
    """Where a runtime process stands; the values are the names AWS shows in refusals."""

    __hash__ = object.__hash__  # Enum's own is a Python function, and the table is asked four times in each event

    STARTED = "Started"
    READY = "Ready"
    RUNNING = "Running"
    RESPONDING = "InvocationResponse"
    REPORTING_ERROR = "InvocationErrorResponse"
    ANSWERED = "RuntimeResponseSentState"
    INIT_ERROR = "InitError"


_P = RuntimePhase

#: (phase, phase asked for) → phase entered. Asking for Ready is `GET next`; a runtime that asks again while it runs
#: stays Running and is handed the same event.
RUNTIME_TRANSITIONS: Mapping[tuple[RuntimePhase, RuntimePhase], RuntimePhase] = {
    (_P.STARTED, _P.READY): _P.READY,
    (_P.STARTED, _P.INIT_ERROR): _P.INIT_ERROR,
    (_P.READY, _P.READY): _P.READY,
    (_P.READY, _P.RUNNING): _P.RUNNING,
    (_P.RUNNING, _P.READY): _P.RUNNING,
    (_P.RUNNING, _P.RESPONDING): _P.RESPONDING,
    (_P.RUNNING, _P.REPORTING_ERROR): _P.REPORTING_ERROR,
    (_P.RESPONDING, _P.ANSWERED): _P.ANSWERED,
    (_P.REPORTING_ERROR, _P.ANSWERED): _P.ANSWERED,
    (_P.ANSWERED, _P.READY): _P.READY,
}


class Refusal(msgspec.Struct, frozen=True):
    """Why the Runtime API says no: HTTP status, AWS's error type and message."""

    status: int
    error_type: str
    message: str


def runtime_move(phase: RuntimePhase, wanted: RuntimePhase) -> RuntimePhase | Refusal:
    """The phase entered, or AWS's 403 for a transition that does not exist."""
    entered = RUNTIME_TRANSITIONS.get((phase, wanted))
    if entered is not None:
        return entered
    return Refusal(
        403,
        "InvalidStateTransition",
        f"State transition from {phase.value} to {wanted.value} failed for runtime. "
        "Error: State transition is not allowed",
    )


class Life(Enum):
    """An environment's life. COLD has no process: before the first start and after a crash or timeout (a reset, which
    keeps the log stream and the temporary directory)."""

    __hash__ = object.__hash__

    COLD = "cold"
    STARTING = "starting"
    IDLE = "idle"
    BUSY = "busy"
    DRAINING = "draining"
    GONE = "gone"


class LifeEvent(Enum):
    START = "start"
    READY = "ready"
    ASSIGN = "assign"
    FINISH = "finish"
    LOSE = "lose"
    RETIRE = "retire"
    END = "end"


_L, _E = Life, LifeEvent

#: A draining environment may still start and run what it was started for, and is gone after it.
LIFE_TRANSITIONS: Mapping[tuple[Life, LifeEvent], Life] = {
    (_L.COLD, _E.START): _L.STARTING,
    (_L.COLD, _E.RETIRE): _L.GONE,
    (_L.COLD, _E.END): _L.GONE,
    (_L.STARTING, _E.READY): _L.IDLE,
    (_L.STARTING, _E.LOSE): _L.COLD,
    (_L.STARTING, _E.RETIRE): _L.DRAINING,
    (_L.STARTING, _E.END): _L.GONE,
    (_L.IDLE, _E.ASSIGN): _L.BUSY,
    (_L.IDLE, _E.LOSE): _L.COLD,
    (_L.IDLE, _E.RETIRE): _L.GONE,
    (_L.IDLE, _E.END): _L.GONE,
    (_L.BUSY, _E.FINISH): _L.IDLE,
    (_L.BUSY, _E.LOSE): _L.COLD,
    (_L.BUSY, _E.RETIRE): _L.DRAINING,
    (_L.BUSY, _E.END): _L.GONE,
    (_L.DRAINING, _E.START): _L.DRAINING,
    (_L.DRAINING, _E.READY): _L.DRAINING,
    (_L.DRAINING, _E.ASSIGN): _L.DRAINING,
    (_L.DRAINING, _E.FINISH): _L.GONE,
    (_L.DRAINING, _E.LOSE): _L.DRAINING,
    (_L.DRAINING, _E.RETIRE): _L.DRAINING,
    (_L.DRAINING, _E.END): _L.GONE,
    (_L.GONE, _E.LOSE): _L.GONE,
    (_L.GONE, _E.RETIRE): _L.GONE,
    (_L.GONE, _E.END): _L.GONE,
}


def live(life: Life, event: LifeEvent) -> Life:
    """The life after `event`. Raises RuntimeBug for what cannot happen: that is our mistake, not the function's."""
    entered = LIFE_TRANSITIONS.get((life, event))
    if entered is None:
        raise RuntimeBug(f"an environment that is {life.value} cannot {event.value}")
    return entered
