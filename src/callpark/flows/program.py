"""A flow compiled to be run: each action with its parameters read, its templates parsed and its handlers bound.

Made once per flow by `instance.py`; read by the engine. Also the outcomes that a handler can give back.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from callpark.flows.contact import Desk
from callpark.flows.events import Event
from callpark.flows.language import Action, Flow
from callpark.flows.parameters import ParameterProblem

if TYPE_CHECKING:
    from callpark.flows.turn import Turn


class Done(msgspec.Struct, frozen=True):
    """The action is finished: on to NextAction."""


class Parked(msgspec.Struct, frozen=True):
    """The contact stands at this action until an event comes."""


class Result(msgspec.Struct, frozen=True):
    """The action yields a value; the first true condition decides."""

    value: object


class Failed(msgspec.Struct, frozen=True):
    """The action takes an error branch."""

    error: str
    reason: str


class Ended(msgspec.Struct, frozen=True):
    """The contact is over."""

    reason: str
    detail: str = ""


class Jump(msgspec.Struct, frozen=True):
    """Another flow goes on from its start."""

    program: "Program"


class Call(msgspec.Struct, frozen=True):
    """A module runs and comes back."""

    program: "Program"
    input: object


class Return(msgspec.Struct, frozen=True):
    """A module is over: back to who called it, with a result to branch on (None: none) and data."""

    result: str | None
    data: object


class Move(msgspec.Struct, frozen=True):
    """The contact leaves its flow for a queue, an agent, or what comes after one."""

    desk: Desk
    flow: "Program | None" = None
    """The flow that runs there, when the stage has no hook."""


class FlowOver(msgspec.Struct, frozen=True):
    """The flow is over, the contact perhaps not: it may be queued or connected."""


Outcome: TypeAlias = Done | Parked | Result | Failed | Ended | Jump | Call | Return | Move | FlowOver

DONE = Done()
PARKED = Parked()
FLOW_OVER = FlowOver()
NO_MATCHING_ERROR = "NoMatchingError"
NO_MATCHING_CONDITION = "NoMatchingCondition"

Enter: TypeAlias = Callable[["Turn"], Outcome]
Resume: TypeAlias = Callable[["Turn", Event], Outcome]


@dataclass(frozen=True, slots=True)
class Handlers:
    """What an action does when it is reached, and (for those that park) when something happens meanwhile."""

    enter: Enter
    resume: Resume | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """Which conditions may follow an action. `names`: what its result can be (None: anything). `required`: names that
    must have a condition; `needed`: there must be at least one."""

    names: frozenset[str] | None = None
    operators: frozenset[str] = frozenset(("Equals",))
    required: frozenset[str] = frozenset()
    needed: bool = False


NO_RESULT = Results(names=frozenset())


def results(*names: str, required: bool = True) -> Results:
    """The result is one of these names, each of which has its condition."""
    return Results(frozenset(names), required=frozenset(names) if required else frozenset())


@dataclass(frozen=True, slots=True)
class ActionType:
    """One row of the action table. `prepare` reads the parameters once and raises ParameterProblem for bad ones.

    `parameters`: their names, None when they are not known. `terminal`: has no NextAction. `errors`: what it can raise,
    `required_errors`: what AWS insists on; both for validation, as `results` (None: rules of its own) and `static`,
    parameters without references. `optional_error_edge`: without an error edge NextAction is taken, as AWS
    documents for Play prompt.
    """

    name: str
    prepare: Callable[[Action], Handlers]
    parameters: frozenset[str] | None
    terminal: bool = False
    errors: frozenset[str] = frozenset((NO_MATCHING_ERROR,))
    required_errors: frozenset[str] = frozenset((NO_MATCHING_ERROR,))
    optional_error_edge: bool = False
    results: Results | None = None
    static: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """An action of a program. `type` is None for an action type that callpark does not run, `problem` says why an
    action cannot do its work."""

    action: Action
    type: ActionType | None
    handlers: Handlers | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled flow."""

    flow: Flow
    steps: Mapping[str, Step]


def compile_flow(flow: Flow, table: Mapping[str, ActionType]) -> Program:
    """Compile every action; what cannot be prepared keeps its problem and fails when it is reached."""
    return Program(flow, {identifier: _compile(action, table) for identifier, action in flow.actions.items()})


def _compile(action: Action, table: Mapping[str, ActionType]) -> Step:
    type_ = table.get(action.type)
    if type_ is None:
        return Step(action, None, None, f"action type {action.type} is not supported by callpark")
    try:
        return Step(action, type_, type_.prepare(action))
    except ParameterProblem as problem:
        return Step(action, type_, None, str(problem))
