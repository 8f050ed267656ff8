"""CheckMetricData (Check staffing, Check queue status) and GetMetricData (Get queue metrics), of a queue or an agent.

https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-checkmetricdata.html
https://docs.aws.amazon.com/connect/latest/devguide/flow-control-actions-getmetricdata.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from callpark.flows.actions.targets import PARAMETERS, TargetTemplate, read_target, resolve_or_working
from callpark.flows.agents.routing import QueueMetrics
from callpark.flows.contact import Target
from callpark.flows.language import Action
from callpark.flows.parameters import choice, dynamic
from callpark.flows.program import (
    DONE,
    NO_MATCHING_CONDITION,
    NO_MATCHING_ERROR,
    NO_RESULT,
    ActionType,
    Failed,
    Handlers,
    Outcome,
    Result,
    Results,
)
from callpark.flows.references import Template
from callpark.flows.turn import Turn

AGENT_METRICS = ("NumberOfAgentsAvailable", "NumberOfAgentsStaffed", "NumberOfAgentsOnline")
QUEUE_METRICS = ("OldestContactInQueueAgeSeconds", "NumberOfContactsInQueue")
_NUMBER_OPERATORS = frozenset(
    ("NumberGreaterThan", "NumberGreaterOrEqualTo", "NumberLessThan", "NumberLessOrEqualTo", "Equals")
)


@dataclass(frozen=True, slots=True)
class CheckMetric:
    action: Action
    metric: str
    target: TargetTemplate | None

    def enter(self, turn: Turn) -> Outcome:
        target = resolve_or_working(turn, self.target)
        if target is None:
            turn.log(self.action, {"MetricType": self.metric}, Results=NO_MATCHING_ERROR)
            return Failed(NO_MATCHING_ERROR, "no queue to measure: set the working queue, or name one")
        value = _metric(self.metric, turn.world.metrics(target), turn.now)
        turn.log(self.action, {"MetricType": self.metric, "Queue": target.arn}, Results=f"{value:g}")
        return Result(value)


@dataclass(frozen=True, slots=True)
class GetMetrics:
    action: Action
    target: TargetTemplate | None
    channel: Template | None

    def enter(self, turn: Turn) -> Outcome:
        target = resolve_or_working(turn, self.target)
        channel = None if self.channel is None else self.channel.text(turn.namespace)
        if target is None or channel not in (None, "Voice", "Chat"):
            turn.log(self.action, {}, Results=NO_MATCHING_ERROR)
            reason = "no queue to measure" if target is None else f"QueueChannel {channel!r} is not Voice or Chat"
            return Failed(NO_MATCHING_ERROR, reason)
        turn.find("Metrics", _metrics(target, turn.world.metrics(target), turn))
        turn.log(self.action, {"Queue": target.arn})
        return DONE


def _metric(name: str, measured: QueueMetrics, now: float) -> float:
    if name == "NumberOfAgentsAvailable":
        return measured.available
    if name == "NumberOfAgentsStaffed":
        return measured.staffed
    if name == "NumberOfAgentsOnline":
        return measured.online
    if name == "NumberOfContactsInQueue":
        return len(measured.since)
    return int(now - measured.since[0]) if measured.since else 0


def _metrics(target: Target, measured: QueueMetrics, turn: Turn) -> Mapping[str, object]:
    """`$.Metrics`. Estimated waits need a history that callpark does not keep: null, as AWS gives without activity."""
    oldest = int(turn.now - measured.since[0]) if measured.since else None
    agents = {
        "Online": measured.online,
        "Available": measured.available,
        "Staffed": measured.staffed,
        "AfterContactWork": measured.after_work,
        "Busy": measured.busy,
        "Missed": measured.errors,
        "NonProductive": measured.online - measured.staffed,
    }
    desk = turn.desk
    queued = desk is not None and desk.stage == "queued" and desk.target == target
    position = 1 + sum(since < desk.since for since in measured.since) if desk is not None and queued else None
    return {
        "Queue": {
            "Name": target.name,
            "ARN": target.arn,
            "Size": len(measured.since),
            "OldestContactAge": oldest,
            "EstimatedWaitTime": None,
        },
        "Agents": {name: {"Count": count} for name, count in agents.items()},
        "Contact": {"PositionInQueue": position, "EstimatedWaitTime": None},
    }


def _prepare_check(action: Action) -> Handlers:
    metric = choice(action.parameters, "MetricType", AGENT_METRICS + QUEUE_METRICS)
    return Handlers(CheckMetric(action, metric, read_target(action.parameters)).enter)


def _prepare_get(action: Action) -> Handlers:
    metrics = GetMetrics(action, read_target(action.parameters), dynamic(action.parameters, "QueueChannel"))
    return Handlers(metrics.enter)


CHECK_METRIC_DATA = ActionType(
    "CheckMetricData",
    _prepare_check,
    PARAMETERS | {"MetricType"},
    errors=frozenset((NO_MATCHING_ERROR, NO_MATCHING_CONDITION)),
    required_errors=frozenset((NO_MATCHING_ERROR, NO_MATCHING_CONDITION)),
    results=Results(operators=_NUMBER_OPERATORS, needed=True),
    static=frozenset(("MetricType",)),
)
GET_METRIC_DATA = ActionType("GetMetricData", _prepare_get, PARAMETERS | {"QueueChannel"}, results=NO_RESULT)
