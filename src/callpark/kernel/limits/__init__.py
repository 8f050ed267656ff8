"""Every AWS number as a named limit: default, unit, source. Nothing else in the house states one.

A file for each service. Override with `--limit lambda.retry_base_seconds=5` or by the variable `CALLPARK_LIMITS`,
assignments separated by commas. "Our rule" marks a number that AWS does not publish.
"""

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from callpark.kernel.errors import ProjectError
from callpark.kernel.limits.appsync import AppSyncLimits
from callpark.kernel.limits.bedrock import ModelLimits
from callpark.kernel.limits.cloudwatch import LogsLimits, MetricsLimits
from callpark.kernel.limits.connect import ConnectLimits
from callpark.kernel.limits.lambda_ import LambdaLimits
from callpark.kernel.limits.nodes import ClusterLimits, StoreLimits
from callpark.kernel.limits.server import GatewayLimits, ProjectLimits, UpstreamLimits
from callpark.kernel.limits.sqs import SqsLimits

__all__ = [
    "AppSyncLimits",
    "ClusterLimits",
    "ConnectLimits",
    "GatewayLimits",
    "LambdaLimits",
    "Limits",
    "LogsLimits",
    "MetricsLimits",
    "ModelLimits",
    "ProjectLimits",
    "SqsLimits",
    "StoreLimits",
    "UpstreamLimits",
]


@dataclass(frozen=True, slots=True)
class Limits:
    """All limits, by family."""

    lambda_: LambdaLimits = field(default_factory=LambdaLimits)
    connect: ConnectLimits = field(default_factory=ConnectLimits)
    appsync: AppSyncLimits = field(default_factory=AppSyncLimits)
    sqs: SqsLimits = field(default_factory=SqsLimits)
    logs: LogsLimits = field(default_factory=LogsLimits)
    metrics: MetricsLimits = field(default_factory=MetricsLimits)
    gateway: GatewayLimits = field(default_factory=GatewayLimits)
    cluster: ClusterLimits = field(default_factory=ClusterLimits)
    store: StoreLimits = field(default_factory=StoreLimits)
    upstream: UpstreamLimits = field(default_factory=UpstreamLimits)
    models: ModelLimits = field(default_factory=ModelLimits)
    project: ProjectLimits = field(default_factory=ProjectLimits)

    def override(self, assignments: Iterable[str]) -> "Limits":
        """New limits with `family.name=value` assignments applied. Raises ProjectError for what does not exist."""
        limits = self
        for assignment in assignments:
            name, equals, text = assignment.partition("=")
            family, dot, member = name.strip().partition(".")
            attribute = "lambda_" if family == "lambda" else family
            families = {family.name for family in dataclasses.fields(limits)}
            values = getattr(limits, attribute) if attribute in families else None
            if not equals or not dot or values is None or member not in {f.name for f in dataclasses.fields(values)}:
                raise ProjectError(
                    f"unknown limit: {assignment!r}",
                    "write --limit family.name=value; `callpark limits` lists them all",
                )
            kind = type(getattr(values, member))
            try:
                value = kind(text)
                finite = math.isfinite(value)
            except (ValueError, OverflowError):
                finite = False
            if not finite:
                raise ProjectError(
                    f"limit {name} needs a number, not {text!r}", f"write --limit {name}={getattr(values, member)}"
                )
            if value < 0:
                raise ProjectError(f"limit {name} cannot be negative: {text}", f"write --limit {name}=0 or more")
            limits = dataclasses.replace(limits, **{attribute: dataclasses.replace(values, **{member: value})})
        return limits

    def rows(self) -> list[tuple[str, int | float, str, str]]:
        """(name, value, unit, source) of every limit, for `callpark limits` and the documentation."""
        found: list[tuple[str, int | float, str, str]] = []
        for family in dataclasses.fields(self):
            values = getattr(self, family.name)
            for member in dataclasses.fields(values):
                name = f"{family.name.rstrip('_')}.{member.name}"
                found.append((name, getattr(values, member.name), member.metadata["unit"], member.metadata["source"]))
        return found
