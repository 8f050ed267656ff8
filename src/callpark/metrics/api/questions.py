"""What CloudWatch's read operations are asked: typed, checked, or refused by name. Pure.

Called by `operations.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from callpark.metrics.model import LAMBDA, Catalogue
from callpark.metrics.refusals import invalid, invalid_value
from callpark.metrics.statistics import Statistic, is_cloudwatchs, statistic

_Request = TypeVar("_Request", bound=msgspec.Struct)


class Dimension(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    value: str | None = None


class MetricNamed(msgspec.Struct, frozen=True, rename="pascal"):
    namespace: str = ""
    metric_name: str = ""
    dimensions: list[Dimension] = []


class MetricStat(msgspec.Struct, frozen=True, rename="pascal"):
    metric: MetricNamed
    period: int
    stat: str
    unit: str | None = None


class Query(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    metric_stat: MetricStat | None = None
    expression: str | None = None
    label: str | None = None
    return_data: bool = True
    period: int | None = None
    account_id: str | None = None


class DataRequest(msgspec.Struct, frozen=True, rename="pascal"):
    metric_data_queries: list[Query]
    start_time: float
    end_time: float
    next_token: str | None = None
    scan_by: str = "TimestampDescending"
    max_datapoints: int | None = None
    label_options: dict[str, str] | None = None


class StatisticsRequest(msgspec.Struct, frozen=True, rename="pascal"):
    namespace: str
    metric_name: str
    start_time: float
    end_time: float
    period: int
    dimensions: list[Dimension] = []
    statistics: list[str] = []
    extended_statistics: list[str] = []
    unit: str | None = None


class ListRequest(msgspec.Struct, frozen=True, rename="pascal"):
    namespace: str | None = None
    metric_name: str | None = None
    dimensions: list[Dimension] = []
    next_token: str | None = None
    recently_active: str | None = None
    include_linked_accounts: bool = False
    owning_account: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A metric that callpark may have; `function` None means all functions, `resource` None all that belongs to one."""

    metric: str
    function: str | None
    resource: str | None = None


def wanted(metric: MetricNamed, unit: str | None, catalogue: Catalogue) -> Wanted | None:
    """None for what is not there, which CloudWatch answers with no data."""
    known = catalogue.metrics.get(metric.metric_name)
    if metric.namespace != catalogue.namespace or known is None or unit not in (None, known.unit):
        return None
    dimensions = {dimension.name: dimension.value for dimension in metric.dimensions}
    if catalogue is not LAMBDA:
        return _named(known.name, dimensions, catalogue)
    if not dimensions:
        return Wanted(known.name, None)
    function, resource = dimensions.get("FunctionName"), dimensions.get("Resource")
    if not function or set(dimensions) - {"FunctionName", "Resource", "ExecutedVersion"}:
        return None
    if set(dimensions) == {"FunctionName"}:
        return Wanted(known.name, function)
    if not resource or resource.partition(":")[0] != function or resource.count(":") > 1:
        return None
    if "ExecutedVersion" in dimensions:
        return Wanted(known.name, function, f"{resource}:{dimensions['ExecutedVersion']}")
    return Wanted(known.name, function, resource)


def _named(metric: str, dimensions: Mapping[str, str | None], catalogue: Catalogue) -> Wanted | None:
    """With exactly the dimensions of the catalogue, which are one or two."""
    only, inner = dimensions.get(catalogue.dimension), catalogue.inner
    if only and len(dimensions) == 1:
        return Wanted(metric, only, only if inner else None)
    within = dimensions.get(inner) if inner else None
    return Wanted(metric, only, f"{only}:{within}") if only and within and len(dimensions) == 2 else None


def checked_statistic(name: str) -> Statistic:
    """Raises CallerError."""
    found = statistic(name)
    if found is not None:
        return found
    if is_cloudwatchs(name):
        raise invalid_value(f"callpark does not compute the statistic {name}")
    raise invalid_value(f"The value {name} for parameter Stat is not supported.")


def check_period(period: int) -> None:
    """Raises CallerError."""
    if period < 60 or period % 60:
        raise invalid_value(f"callpark keeps minutes: Period must be a multiple of 60, not {period}")


def check_query(query: Query) -> MetricStat:
    """Raises CallerError."""
    if query.expression is not None:
        raise invalid("callpark does not support Expression (metric math, Metrics Insights) in GetMetricData")
    if query.account_id is not None:
        raise invalid("callpark does not support AccountId (cross-account metrics) in GetMetricData")
    if query.metric_stat is None:
        raise invalid(f"The query {query.id} must have either MetricStat or Expression")
    if query.label is not None and "${" in query.label:
        raise invalid("callpark does not support dynamic labels (${…}) in GetMetricData")
    return query.metric_stat


def read(kind: type[_Request], parameters: Mapping[str, object]) -> _Request:
    """Raises CallerError."""
    try:
        return msgspec.convert(parameters, kind)
    except msgspec.ValidationError as error:
        raise invalid(str(error)) from None
