"""Routing criteria: which proficiencies a contact asks of its agent, step by step as it waits. Pure.

UpdateContactRoutingCriteria writes them onto the contact, `floor.py` reads them from there, `routing.py` goes by them.

https://docs.aws.amazon.com/connect/latest/adminguide/proficiency-routing.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from callpark.flows.parameters import number

SETTING: Final = "RoutingCriteria"
"""Where a contact keeps them."""

Skill: TypeAlias = tuple[str, str]
"""The name and the value of a proficiency, e.g. ("Language", "French")."""


@dataclass(frozen=True, slots=True)
class Step:
    """All of these at these levels at least; for so many seconds, None for as long as the contact waits."""

    levels: tuple[tuple[Skill, float], ...]
    seconds: float | None = None

    def met_by(self, skills: Mapping[Skill, float]) -> bool:
        return all(skills.get(skill, 0.0) >= level for skill, level in self.levels)


Criteria: TypeAlias = tuple[Step, ...]


def step_after(criteria: Criteria, seconds: float) -> Step | None:
    """The step in force after so many seconds in the queue; None when all have expired: then anybody will do."""
    for step in criteria:
        if step.seconds is None or seconds < step.seconds:
            return step
        seconds -= step.seconds
    return None


def expiries(criteria: Criteria) -> Iterator[float]:
    """Seconds in the queue after which a step is over."""
    passed = 0.0
    for step in criteria:
        if step.seconds is None:
            return
        passed += step.seconds
        yield passed


def read_criteria(setting: object) -> Criteria:
    """From what a contact keeps: `{"Steps": [{"Expression": …, "Expiry": {"DurationInSeconds": …}}]}`. What a reference
    has left without a meaning asks for nothing."""
    steps = setting.get("Steps") if isinstance(setting, Mapping) else None
    return tuple(_step(step) for step in steps) if isinstance(steps, list | tuple) else ()


def _step(step: object) -> Step:
    members = step if isinstance(step, Mapping) else {}
    expiry = members.get("Expiry")
    said = expiry.get("DurationInSeconds") if isinstance(expiry, Mapping) else None
    return Step(tuple(_levels(members.get("Expression"))), None if said is None else number(str(said)))


def _levels(expression: object) -> Iterator[tuple[Skill, float]]:
    members = expression if isinstance(expression, Mapping) else {}
    both = members.get("AndExpression")
    listed: Sequence[object] = both if isinstance(both, list | tuple) else [members]
    for one in listed:
        condition = one.get("AttributeCondition") if isinstance(one, Mapping) else None
        if isinstance(condition, Mapping):
            skill = (str(condition.get("Name")), str(condition.get("Value")))
            yield skill, number(str(condition.get("ProficiencyLevel"))) or 1.0
