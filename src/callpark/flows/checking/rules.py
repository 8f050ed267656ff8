"""What a check of a flow can find: rules, and hits of a rule at an action.

Every rule has a code that never changes its meaning; docs/flow-check.md lists them. A check is a function of a `View`
that yields hits; `table.py` has them all.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from callpark.flows.language import Action

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Rule:
    """`title`: what is so. `why`: what the caller, or whoever deploys the flow, meets. `remedy`: what to do."""

    code: str
    severity: Severity
    title: str
    why: str
    remedy: str


class Hit(NamedTuple):
    """A rule broken at an action (None: by the flow as a whole). `message` says how, in one sentence."""

    rule: Rule
    action: Action | None
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A hit as people and tools read it. `action` and `type` are "" for the flow as a whole; `index` is the action's
    place in `Actions`."""

    code: str
    severity: Severity
    flow: str
    action: str
    type: str
    index: int | None
    message: str
    why: str
    remedy: str


def finding(flow: str, hit: Hit) -> Finding:
    rule, action, message = hit
    return Finding(
        code=rule.code,
        severity=rule.severity,
        flow=flow,
        action="" if action is None else action.identifier,
        type="" if action is None else action.type,
        index=None if action is None else action.index,
        message=message,
        why=rule.why,
        remedy=rule.remedy,
    )
