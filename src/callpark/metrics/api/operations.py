"""GetMetricData, GetMetricStatistics, ListMetrics: translate and call the service. Called by `app.py`.

Any other operation of CloudWatch is refused by the gateway by name.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from callpark.kernel.operations import Call, OperationTable
from callpark.kernel.others import ALONE, Members, Others, Questions
from callpark.metrics.across import Across, Wants
from callpark.metrics.api.questions import (
    DataRequest,
    Dimension,
    ListRequest,
    Query,
    StatisticsRequest,
    Wanted,
    check_period,
    check_query,
    checked_statistic,
    read,
    wanted,
)
from callpark.metrics.api.questions import MetricNamed as Named
from callpark.metrics.model import LAMBDA
from callpark.metrics.refusals import bad_token, invalid, invalid_combination
from callpark.metrics.service import Metrics
from callpark.metrics.statistics import SIMPLE, Statistic

_LISTED: Final = "ListMetrics"
_LIST_PAGE = 500
_RECENT_SECONDS = 3 * 3600


class _Listed(msgspec.Struct, frozen=True):
    metrics: list[dict[str, object]]


class MetricOperations:
    def __init__(self, *services: Metrics, others: Others = ALONE) -> None:
        self._services = services
        self._limits = services[0].limits
        self._others = others
        self._across = Across(services, others)

    def table(self) -> OperationTable:
        return {
            ("cloudwatch", "GetMetricData"): self.get_data,
            ("cloudwatch", "GetMetricStatistics"): self.get_statistics,
            ("cloudwatch", "ListMetrics"): self.list_metrics,
        }

    def questions(self) -> Questions:
        """What other nodes ask this one."""
        return {**self._across.questions(), _LISTED: self._answer_listed}

    async def get_data(self, call: Call) -> Mapping[str, object]:
        """Datapoints of all queries in a row, cut into pages of `MaxDatapoints`."""
        request = read(DataRequest, call.parameters)
        if request.start_time >= request.end_time:
            raise invalid("The parameter StartTime must be less than the parameter EndTime.")
        if len(request.metric_data_queries) > self._limits.queries:
            raise invalid(f"A request can have at most {self._limits.queries} queries")
        if (request.label_options or {}).get("Timezone") not in (None, "+0000"):
            raise invalid("callpark does not support LabelOptions in GetMetricData")
        if len({query.id for query in request.metric_data_queries}) < len(request.metric_data_queries):
            raise invalid("The values for parameter Id in MetricDataQueries must be unique.")
        limit = self._limits.data_datapoints
        first, most = _place(request.next_token), min(request.max_datapoints or limit, limit)
        values, silent = await self._values(request)
        results: list[dict[str, object]] = []
        begun = 0
        for query, found in zip(request.metric_data_queries, values, strict=True):
            if query.return_data:
                shown = found[max(0, first - begun) : max(0, first + most - begun)]
                begun += len(found)
                whole = begun <= first + most and not silent
                results.append(_result(query, shown, "Complete" if whole else "PartialData"))
        missing = [
            {"Code": "PartialData", "Value": f"node {name} does not answer: its part is missing"} for name in silent
        ]
        members: dict[str, object] = {"MetricDataResults": results, "Messages": missing}
        return members if begun <= first + most else {**members, "NextToken": str(first + most)}

    async def get_statistics(self, call: Call) -> Mapping[str, object]:
        request = read(StatisticsRequest, call.parameters)
        if request.start_time >= request.end_time:
            raise invalid_combination("The parameter StartTime must be less than the parameter EndTime.")
        if not request.statistics and not request.extended_statistics:
            raise invalid_combination(
                "At least one of the parameters Statistics and ExtendedStatistics must be specified."
            )
        check_period(request.period)
        extended = {name: checked_statistic(name) for name in request.extended_statistics}
        asked, most = int((request.end_time - request.start_time) // request.period), self._limits.datapoints
        if asked > most:
            raise invalid_combination(
                f"You have requested up to {asked:,} datapoints, which exceeds the limit of {most:,}. You may reduce "
                "the datapoints requested by increasing Period, or decreasing the time range."
            )
        points: list[dict[str, object]] = []
        asked_for = Named(request.namespace, request.metric_name, request.dimensions)
        metrics, named = self._wanted(asked_for, request.unit)
        if metrics is not None and named is not None:
            unit = metrics.catalogue.metrics[named.metric].unit
            (found,), _ = await self._across.datapoints([_wants(metrics, named, request, request.period)])
            for point in found:
                members: dict[str, object] = {"Timestamp": point.at, "Unit": unit}
                members |= {name: SIMPLE[name](point.bucket) for name in request.statistics}
                if extended:
                    members["ExtendedStatistics"] = {name: value(point.bucket) for name, value in extended.items()}
                points.append(members)
        return {"Label": request.metric_name, "Datapoints": points}

    async def list_metrics(self, call: Call) -> Mapping[str, object]:
        request = read(ListRequest, call.parameters)
        gathered = await self._others.ask(_LISTED, dict(call.parameters))
        theirs = [msgspec.convert(said, _Listed).metrics for said in gathered.said.values()]
        listed = _once([self._listed_here(request), *theirs])
        if request.owning_account not in (None, call.place.account):
            listed = []
        first = _place(request.next_token)
        members: dict[str, object] = {"Metrics": listed[first : first + _LIST_PAGE]}
        if request.include_linked_accounts:
            members["OwningAccounts"] = [call.place.account] * len(listed[first : first + _LIST_PAGE])
        if first + _LIST_PAGE < len(listed):
            members["NextToken"] = str(first + _LIST_PAGE)
        return members

    async def _values(self, request: DataRequest) -> tuple[list[list[tuple[int, float]]], Sequence[str]]:
        """For each query its values; and the nodes whose part is missing."""
        statistics: list[Statistic] = []
        wants: dict[int, Wants] = {}
        for place, query in enumerate(request.metric_data_queries):
            stat = check_query(query)
            check_period(stat.period)
            statistics.append(checked_statistic(stat.stat))
            metrics, named = self._wanted(stat.metric, stat.unit)
            if metrics is not None and named is not None:
                wants[place] = _wants(metrics, named, request, stat.period)
        points, silent = await self._across.datapoints(list(wants.values()))
        found: list[list[tuple[int, float]]] = [[] for _ in statistics]
        for place, series in zip(wants, points, strict=True):
            values = [(point.at, statistics[place](point.bucket)) for point in series]
            found[place] = values if request.scan_by == "TimestampAscending" else values[::-1]
        return found, silent

    async def _answer_listed(self, members: Members) -> Members:
        return {"metrics": self._listed_here(read(ListRequest, members))}

    def _listed_here(self, request: ListRequest) -> list[dict[str, object]]:
        return [
            {"Namespace": metrics.catalogue.namespace, "MetricName": metric, "Dimensions": dimensions}
            for metrics in self._services
            for metric, dimensions in self._listed(metrics, request)
        ]

    def _wanted(self, metric: Named, unit: str | None) -> tuple[Metrics | None, Wanted | None]:
        for metrics in self._services:
            if (found := wanted(metric, unit, metrics.catalogue)) is not None:
                return metrics, found
        return None, None

    def _listed(self, metrics: Metrics, request: ListRequest) -> Iterator[tuple[str, list[Mapping[str, str]]]]:
        if request.namespace not in (None, metrics.catalogue.namespace):
            return
        for metric in metrics.catalogue.metrics:
            if request.metric_name not in (None, metric):
                continue
            for function, resource, dimensions in _sets(metrics):
                if not _fits(dimensions, request.dimensions):
                    continue
                if _is_there(metrics, metric, function, resource, recent=request.recently_active is not None):
                    yield metric, [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _wants(metrics: Metrics, named: Wanted, request: DataRequest | StatisticsRequest, period: int) -> Wants:
    start, end = request.start_time, request.end_time
    return Wants(metrics.catalogue.prefix, named.metric, named.function, start, end, period, named.resource)


def _once(lists: Sequence[Sequence[dict[str, object]]]) -> list[dict[str, object]]:
    """What any of the nodes lists; in the order of the first that does."""
    return list({msgspec.json.encode(metric): metric for listed in lists for metric in listed}.values())


def _sets(metrics: Metrics) -> Iterator[tuple[str | None, str | None, dict[str, str]]]:
    """The sets of dimensions under which a service publishes. AppSync: an API, and a namespace of it. Lambda: all
    functions; a function; a resource of it; what an alias chose. With function and resource that they mean."""
    catalogue = metrics.catalogue
    if catalogue.inner is not None:
        for name in metrics.functions():
            for resource in metrics.resources(name):
                within = resource.partition(":")[2]
                yield name, resource, {catalogue.dimension: name, **({catalogue.inner: within} if within else {})}
        return
    if catalogue is not LAMBDA:
        for name in metrics.functions():
            yield name, None, {catalogue.dimension: name}
        return
    yield None, None, {}
    for function in metrics.functions():
        named = {"FunctionName": function}
        yield function, None, named
        shown: set[str] = set()
        for name in metrics.resources(function):
            resource, version = _parts(name)
            if resource not in shown:
                shown.add(resource)
                yield function, resource, {**named, "Resource": resource}
            if version is not None:
                yield function, name, {**named, "Resource": resource, "ExecutedVersion": version}


def _is_there(metrics: Metrics, metric: str, function: str | None, resource: str | None, *, recent: bool) -> bool:
    series = metrics.recorded(metric, function, resource)
    if not recent:
        return bool(series)
    since = (metrics.now() - _RECENT_SECONDS) // 60
    return any(one.newest_minute >= since for one in series)


def _parts(name: str) -> tuple[str, str | None]:
    """Resource, and the executed version behind it."""
    function, *qualifiers = name.split(":")
    return ":".join((function, *qualifiers[:1])), qualifiers[1] if len(qualifiers) > 1 else None


def _fits(dimensions: Mapping[str, str], filters: list[Dimension]) -> bool:
    return all(
        dimension.name in dimensions and dimension.value in (None, dimensions[dimension.name]) for dimension in filters
    )


def _result(query: Query, shown: list[tuple[int, float]], status: str) -> dict[str, object]:
    assert query.metric_stat is not None
    return {
        "Id": query.id,
        "Label": query.label or query.metric_stat.metric.metric_name,
        "Timestamps": [at for at, _ in shown],
        "Values": [value for _, value in shown],
        "StatusCode": status,
    }


def _place(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isascii() or not token.isdigit() or len(token) > 9:
        raise bad_token()
    return int(token)
