"""GetCurrentMetricData: what queues are like now, the same that flows read.

https://docs.aws.amazon.com/connect/latest/APIReference/API_GetCurrentMetricData.html
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from callpark.flows.agents.routing import QueueMetrics
from callpark.flows.api.pages import page
from callpark.flows.api.parameters import items, structure, texts
from callpark.flows.contact import Target
from callpark.flows.control.model import QueueRecord
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import invalid_parameter, unsupported
from callpark.kernel.operations import Call, OperationTable

_METRICS: Final[Mapping[str, Callable[[QueueMetrics, float], float]]] = {
    "AGENTS_ONLINE": lambda queue, now: queue.online,
    "AGENTS_STAFFED": lambda queue, now: queue.staffed,
    "AGENTS_AVAILABLE": lambda queue, now: queue.available,
    "AGENTS_ON_CALL": lambda queue, now: queue.busy,
    "AGENTS_ON_CONTACT": lambda queue, now: queue.busy,
    "AGENTS_NON_PRODUCTIVE": lambda queue, now: queue.online - queue.staffed,
    "AGENTS_AFTER_CONTACT_WORK": lambda queue, now: queue.after_work,
    "AGENTS_ERROR": lambda queue, now: queue.errors,
    "CONTACTS_IN_QUEUE": lambda queue, now: len(queue.since),
    "OLDEST_CONTACT_AGE": lambda queue, now: now - queue.since[0] if queue.since else 0,
    "SLOTS_ACTIVE": lambda queue, now: queue.active,
    "SLOTS_AVAILABLE": lambda queue, now: queue.slots,
}


class MetricDataOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {("connect", "GetCurrentMetricData"): self.current}

    async def current(self, call: Call) -> Mapping[str, object]:
        """By queue, or of all the queues together."""
        plane, now = self._plane, self._plane.clock.now()
        filters = structure(call.parameters.get("Filters"))
        other = sorted(filters.keys() - {"Queues"})
        groupings = texts(call, "Groupings")
        if other or groupings not in ([], ["QUEUE"]) or call.parameters.get("SortCriteria"):
            raise unsupported(f"GetCurrentMetricData with {', '.join(other) or 'these groupings or criteria'}")
        references = [str(each) for each in items(filters.get("Queues"))]
        if not references:
            raise invalid_parameter("Filters has no Queues.")
        wanted = [structure(each) for each in items(call.parameters.get("CurrentMetrics"))]
        unknown = [each.get("Name") or each.get("MetricId") for each in wanted if each.get("Name") not in _METRICS]
        if unknown:
            raise unsupported(f"the metric {unknown[0]}")
        queues = {queue.id: queue for queue in (plane.find(QueueRecord, "The queue", each) for each in references)}
        targets = {id_: Target(queue.arn, queue.name) for id_, queue in queues.items()}
        results: list[dict[str, object]] = []
        if groupings:
            shown, token = page(call, list(queues.values()), lambda queue: f"{queue.name}\n{queue.id}")
            for queue in shown:
                collections = _collections(wanted, await plane.flows.switchboard.measure([targets[queue.id]]), now)
                results.append(
                    {"Dimensions": {"Queue": {"Id": queue.id, "Arn": queue.arn}}, "Collections": collections}
                )
        else:
            token = {}
            together = await plane.flows.switchboard.measure([*targets.values()])
            results.append({"Collections": _collections(wanted, together, now)})
        return {
            "MetricResults": results,
            "DataSnapshotTime": now,
            "ApproximateTotalCount": len(queues) if groupings else 1,
            **token,
        }


def _collections(wanted: Sequence[Mapping[str, object]], measured: QueueMetrics, now: float) -> list[dict[str, object]]:
    return [{"Metric": dict(metric), "Value": float(_METRICS[str(metric["Name"])](measured, now))} for metric in wanted]
