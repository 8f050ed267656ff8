"""UpdateContactTargetQueue (Set working queue) and the transfers to queues and agents.

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-transfercontacttoqueue.html
https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-dequeuecontactandtransfertoqueue.html
"""

from dataclasses import dataclass

from callpark.flows.actions.targets import PARAMETERS, TargetTemplate, read_required_target
from callpark.flows.contact import Target
from callpark.flows.language import Action
from callpark.flows.program import (
    DONE,
    NO_MATCHING_ERROR,
    NO_RESULT,
    ActionType,
    Ended,
    Failed,
    Handlers,
    Move,
    Outcome,
)
from callpark.flows.stages import queued, with_agent
from callpark.flows.turn import Turn

AT_CAPACITY = "QueueAtCapacity"


@dataclass(frozen=True, slots=True)
class SetQueue:
    action: Action
    target: TargetTemplate

    def enter(self, turn: Turn) -> Outcome:
        target = self.target.resolve(turn)
        if target is None:
            turn.log(self.action, {}, Results=NO_MATCHING_ERROR)
            return Failed(
                NO_MATCHING_ERROR, f"there is no queue or agent {self.target.reference.text(turn.namespace)!r}"
            )
        turn.record(target=target)
        turn.log(self.action, {"Queue": target.arn})
        return DONE


@dataclass(frozen=True, slots=True)
class ToQueue:
    """Into the working queue; the customer queue flow runs. Fails for who is queued or connected already."""

    action: Action

    def enter(self, turn: Turn) -> Outcome:
        target = turn.memory.record.target
        if target is None:
            return _fail(turn, self.action, NO_MATCHING_ERROR, "no working queue is set")
        if turn.desk is not None and turn.desk.stage not in ("remaining", "transferring"):
            return _fail(turn, self.action, NO_MATCHING_ERROR, f"the contact is {turn.desk.stage} already")
        return _queue(turn, self.action, target)


@dataclass(frozen=True, slots=True)
class QueueToQueue:
    """Out of one queue into another: a new segment of the contact."""

    action: Action
    target: TargetTemplate

    def enter(self, turn: Turn) -> Outcome:
        if turn.desk is None or turn.desk.stage != "queued":
            return _fail(turn, self.action, NO_MATCHING_ERROR, "the contact is in no queue")
        most = turn.world.limits.queue_transfers
        if turn.memory.record.segments >= most:
            return _fail(turn, self.action, NO_MATCHING_ERROR, f"more than {most} transfers from queue to queue")
        target = self.target.resolve(turn)
        if target is None:
            return _fail(turn, self.action, NO_MATCHING_ERROR, "there is no such queue or agent")
        outcome = _queue(turn, self.action, target)
        if isinstance(outcome, Move):
            turn.record(target=target, segments=turn.memory.record.segments + 1)
        return outcome


@dataclass(frozen=True, slots=True)
class ToAgent:
    """Straight to the agent that is the working queue; a busy one does not answer, and the contact ends. For an agent
    whom somebody plays it rings."""

    action: Action

    def enter(self, turn: Turn) -> Outcome:
        target = turn.memory.record.target
        if target is None or not target.agent:
            turn.log(self.action, {}, Results="no agent is set")
            return Ended("OTHER", "no agent to transfer to: the working queue is none of an agent")
        turn.log(self.action, {"Agent": target.name})
        measured = turn.world.metrics(target)
        if measured.available == 0 or not measured.reachable:
            return Ended("OTHER", f"agent {target.name} is not available")
        desk = queued(turn, target, turn.memory.record.priority, 0)
        return Move(desk) if measured.played else Move(with_agent(turn, desk, target.name))


def _queue(turn: Turn, action: Action, target: Target) -> Outcome:
    queue = None if target.agent else turn.world.resources.queue(target.arn)
    measured = turn.world.metrics(target)
    if queue is not None and queue.capacity is not None and len(measured.since) >= queue.capacity:
        return _fail(turn, action, AT_CAPACITY, f"queue {target.name} holds {queue.capacity} contacts already")
    if not measured.reachable:
        turn.warn(
            f"nobody takes contacts out of queue {target.name}: declare an agent with `answers_after:` in "
            "connect.yaml, or be one with `callpark agent`"
        )
    turn.log(action, {"Queue": target.arn})
    record = turn.memory.record
    return Move(queued(turn, target, record.priority, record.time_adjustment))


def _fail(turn: Turn, action: Action, error: str, reason: str) -> Outcome:
    turn.log(action, {}, Results=error)
    return Failed(error, reason)


def _prepare_set(action: Action) -> Handlers:
    return Handlers(SetQueue(action, read_required_target(action.parameters)).enter)


def _prepare_dequeue(action: Action) -> Handlers:
    return Handlers(QueueToQueue(action, read_required_target(action.parameters)).enter)


_QUEUE_ERRORS = frozenset((AT_CAPACITY, NO_MATCHING_ERROR))
UPDATE_CONTACT_TARGET_QUEUE = ActionType("UpdateContactTargetQueue", _prepare_set, PARAMETERS, results=NO_RESULT)
TRANSFER_CONTACT_TO_QUEUE = ActionType(
    "TransferContactToQueue",
    lambda action: Handlers(ToQueue(action).enter),
    frozenset(),
    errors=_QUEUE_ERRORS,
    required_errors=_QUEUE_ERRORS,
    results=NO_RESULT,
)
DEQUEUE_CONTACT_AND_TRANSFER_TO_QUEUE = ActionType(
    "DequeueContactAndTransferToQueue",
    _prepare_dequeue,
    PARAMETERS,
    errors=_QUEUE_ERRORS,
    required_errors=_QUEUE_ERRORS,
    results=NO_RESULT,
)
TRANSFER_CONTACT_TO_AGENT = ActionType(
    "TransferContactToAgent",
    lambda action: Handlers(ToAgent(action).enter),
    frozenset(),
    terminal=True,
    errors=frozenset(),
    required_errors=frozenset(),
    results=NO_RESULT,
)
