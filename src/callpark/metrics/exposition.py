"""Metrics in Prometheus's text format. Pure; called by `api/page.py`.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterator, Sequence

from callpark.metrics.model import Metric
from callpark.metrics.series import BOUNDS, Series
from callpark.metrics.service import ALL, Metrics

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


def exposition(*services: Metrics) -> str:
    """Every metric, whether or not it has values. CloudWatch's names after `aws_lambda_`, `aws_appsync_`."""
    return "".join(
        line + "\n"
        for metrics in services
        for metric in metrics.catalogue.metrics.values()
        for line in _lines(metrics, metric)
    )


def backlog(events_due: int) -> str:
    """What more nodes would help with: autoscalers follow it (deploy/kubernetes/autoscaling.yaml)."""
    name = "callpark_events_waiting"
    told = "Accepted events that may run now, those that run included."
    return f"# HELP {name} {told}\n# TYPE {name} gauge\n{name} {events_due}\n"


def _lines(metrics: Metrics, metric: Metric) -> Iterator[str]:
    name = (
        f"{metrics.catalogue.prefix}{metric.name}"
        + {"counter": "_total", "histogram": "_milliseconds", "gauge": ""}[metric.kind]
    )
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} {metric.kind}"
    for function in (*metrics.functions(), ALL):
        series = metrics.recorded(metric.name, function)
        if not series:
            continue
        labels = f'{metrics.catalogue.dimension}="{_escaped(function)}"' if function != ALL else ""
        if metric.kind == "histogram":
            yield from _histogram(name, labels, series)
        else:
            value = sum(one.total if metric.kind == "counter" else one.last for one in series)
            yield f"{name}{_braced(labels)} {_number(value)}"


def _histogram(name: str, labels: str, series: Sequence[Series]) -> Iterator[str]:
    comma = "," if labels else ""
    below = 0
    counts = zip(*(one.counts for one in series), strict=True)
    for bound, found in zip((*map(_number, BOUNDS), "+Inf"), counts, strict=True):
        below += sum(found)
        yield f'{name}_bucket{{{labels}{comma}le="{bound}"}} {below}'
    yield f"{name}_sum{_braced(labels)} {_number(sum(one.total for one in series))}"
    yield f"{name}_count{_braced(labels)} {sum(one.number for one in series)}"


def _braced(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
