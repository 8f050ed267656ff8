"""The blocks that a contact ran, one row each: entered when, left when, with which result, by which edge. Pure.

Read by `timeline.py` from the happenings of one contact, in order. A Wait with a Continue branch is open for as long as
it is in force, beside the blocks of the branch.
"""

import msgspec

from callpark.flows.happenings import (
    ActionEntered,
    ActionFailed,
    AgentFlowLeft,
    ContactEnded,
    WaitEnded,
    WaitEntered,
)
from callpark.kernel.trace import Happening


class BlockRow(msgspec.Struct, frozen=True):
    """An action that was entered. `end` None: the contact stands there. `result`: what it yielded, or the error. `edge`
    as `transitions.Edge` names it, "" when it was left otherwise. `branch`: in the Continue branch of a Wait. `aside`:
    on the agent's leg."""

    start: float
    end: float | None
    flow: str
    action: str
    type: str
    branch: bool = False
    result: str = ""
    edge: str = ""
    aside: bool = False

    @property
    def seconds(self) -> float | None:
        return None if self.end is None else self.end - self.start


class Blocks:
    """The rows while they are being read."""

    def __init__(self) -> None:
        self._rows: list[BlockRow] = []
        self._current: int | None = None
        self._wait: int | None = None
        self._aside: int | None = None

    def rows(self) -> tuple[BlockRow, ...]:
        return tuple(self._rows)

    def take(self, at: float, happening: Happening) -> None:
        match happening:
            case ActionEntered(aside=True):
                self._enter_aside(at, happening)
            case ActionEntered():
                self._enter(at, happening)
            case AgentFlowLeft():
                self._close(self._aside, at)
                self._aside = None
            case ActionFailed(action=action, error=error):
                self._change(self._last(action), result=error)
            case WaitEntered(continuing=True):
                self._wait = self._current
            case WaitEnded(branch=branch):
                self._close(self._current, at)
                self._current = None
                self._close(self._wait, at)
                self._change(self._wait, result=branch)
                self._wait = None
            case ContactEnded():
                for index in range(len(self._rows)):
                    self._close(index, at)

    def _enter_aside(self, at: float, entered: ActionEntered) -> None:
        self._leave(entered)
        self._close(self._aside, at)
        self._rows.append(BlockRow(at, None, entered.flow, entered.action, entered.type, aside=True))
        self._aside = len(self._rows) - 1

    def _leave(self, entered: ActionEntered) -> None:
        """By which edge the action before was left."""
        source = self._last(entered.source, entered.aside) if entered.via else None
        if source is not None and self._rows[source].edge == "" and source != self._wait:
            result = entered.result or self._rows[source].result
            self._change(source, edge=entered.via, result=result)

    def _enter(self, at: float, entered: ActionEntered) -> None:
        self._leave(entered)
        if self._current != self._wait:
            self._close(self._current, at)
        row = BlockRow(at, None, entered.flow, entered.action, entered.type, entered.branch)
        self._rows.append(row)
        self._current = len(self._rows) - 1

    def _last(self, action: str, aside: bool | None = None) -> int | None:
        """The row that was added last for an action, on either leg unless it is said on which."""
        for index in range(len(self._rows) - 1, -1, -1):
            if self._rows[index].action == action and aside in (None, self._rows[index].aside):
                return index
        return None

    def _close(self, index: int | None, at: float) -> None:
        if index is not None and self._rows[index].end is None:
            self._change(index, end=at)

    def _change(self, index: int | None, **members: object) -> None:
        if index is not None:
            self._rows[index] = msgspec.structs.replace(self._rows[index], **members)
