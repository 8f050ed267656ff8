"""Log levels of functions whose logs are JSON: what is detailed enough to be kept. Pure.

Called by `narration.py`. Application logs are filtered by the runtime clients too; here it is done for whatever a
process writes as a JSON object with a `level`. System logs have levels by kind and outcome.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
"""

from collections.abc import Mapping

import orjson

APPLICATION_LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
SYSTEM_LEVELS = ("DEBUG", "INFO", "WARN")
_RANKS: Mapping[str, int] = {name: rank for rank, name in enumerate(APPLICATION_LEVELS)} | {"WARNING": 3, "CRITICAL": 5}
_INFO = _RANKS["INFO"]


def rank(level: str) -> int:
    """Higher is graver; what is no level counts as INFO."""
    return _RANKS.get(level.upper(), _INFO)


def passes(event: str, least: int) -> bool:
    """Whether a log event of the function's own code is kept. Text that is no JSON object has no level and is."""
    if not event.startswith("{") or '"level"' not in event:
        return True
    try:
        value = orjson.loads(event)
    except orjson.JSONDecodeError:
        return True
    level = value.get("level") if isinstance(value, dict) else None
    return rank(level if isinstance(level, str) else "") >= least


def system_rank(kind: str, status: str = "success", initialization: str = "on-demand") -> int:
    """The level of a platform event: https://docs.aws.amazon.com/lambda/latest/dg/
    monitoring-cloudwatchlogs-log-level.html#monitoring-cloudwatchlogs-log-level-mapping"""
    if status != "success":
        return _RANKS["WARN"]
    if kind in ("platform.initRuntimeDone", "platform.runtimeDone"):
        return _RANKS["DEBUG"]
    if kind == "platform.initReport" and initialization == "on-demand":
        return _RANKS["DEBUG"]
    return _INFO
