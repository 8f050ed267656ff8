"""CreateTask and ResumeContact.

A task is a contact of its own with this one as RelatedContactId; its flow runs at once or when it is due.

https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-createtask.html
https://docs.aws.amazon.com/connect/latest/devguide/contact-actions-resumecontact.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from callpark.flows.contact import Record
from callpark.flows.effects import OpenContact
from callpark.flows.happenings import ContactOpened
from callpark.flows.language import Action
from callpark.flows.parameters import ParameterProblem, dynamic, members, number, required, scalar
from callpark.flows.program import DONE, NO_MATCHING_ERROR, NO_RESULT, ActionType, Failed, Handlers, Outcome
from callpark.flows.references import Template, as_text, template
from callpark.flows.resources import look_up
from callpark.flows.turn import Turn


@dataclass(frozen=True, slots=True)
class CreateTask:
    action: Action
    name: Template
    description: Template | None
    flow: Template | None
    attributes: Mapping[str, Template]
    references: Mapping[str, Mapping[str, Template]]
    delay: Template | None
    scheduled: Template | None
    template_id: str | None

    def enter(self, turn: Turn) -> Outcome:
        starts_at = self._starts_at(turn)
        flow = None if self.flow is None else self.flow.text(turn.namespace)
        problem = None
        templates = turn.world.resources.task_templates
        if self.template_id is not None and look_up(templates, self.template_id) is None:
            problem = f"there is no task template {self.template_id!r}"
            turn.warn(f"{problem}: declare it under `task_templates:` in connect.yaml")
        elif flow is None or turn.world.flow(flow) is None:
            problem = (
                f"there is no flow {flow!r}" if flow else "no ContactFlowId: callpark's task templates name no flow"
            )
        elif starts_at is None or starts_at > turn.now + turn.world.limits.task_delay_seconds:
            problem = f"tasks are delayed by {turn.world.limits.task_delay_seconds} s at most"
        elif turn.crowded:
            problem = turn.crowded
            turn.warn(problem)
        if problem is not None or starts_at is None:
            turn.log(self.action, {}, Results=problem)
            return Failed(NO_MATCHING_ERROR, problem or "")
        contact_id = turn.new_id("task")
        turn.effects.append(self._effect(turn, contact_id, starts_at, flow))
        turn.effects.append(ContactOpened(turn.subject, contact_id, "TASK", "FLOW"))
        turn.find("Task", {"ContactId": contact_id})
        turn.log(self.action, {"Name": self.name.text(turn.namespace), "ContactFlowId": flow})
        return DONE

    def _effect(self, turn: Turn, contact_id: str, starts_at: float, flow: str | None) -> OpenContact:
        namespace = turn.namespace
        values = {key: value.value(namespace) for key, value in self.attributes.items()}
        return OpenContact(
            contact_id=contact_id,
            channel="TASK",
            initiation_method="FLOW",
            starts_at=starts_at,
            flow=flow,
            record=Record(
                name=self.name.text(namespace),
                description=None if self.description is None else self.description.text(namespace),
                target=turn.memory.record.target,
                references={
                    key: {part: value.text(namespace) for part, value in reference.items()}
                    for key, reference in self.references.items()
                },
            ),
            attributes={key: as_text(value) for key, value in values.items() if value is not None},
        )

    def _starts_at(self, turn: Turn) -> float | None:
        """None for a time that cannot be read."""
        if self.scheduled is not None:
            return _instant(self.scheduled.text(turn.namespace))
        if self.delay is None:
            return turn.now
        seconds = number(self.delay.text(turn.namespace))
        return None if seconds is None or seconds < 1 else turn.now + seconds


@dataclass(frozen=True, slots=True)
class Resume:
    action: Action

    def enter(self, turn: Turn) -> Outcome:
        """Nothing in callpark pauses a contact."""
        turn.log(self.action, {}, Results=NO_MATCHING_ERROR)
        return Failed(NO_MATCHING_ERROR, "the contact is not paused")


def _instant(text: str) -> float | None:
    """Epoch seconds, or ISO 8601 (without a zone: UTC)."""
    seconds = number(text)
    if seconds is not None:
        return seconds
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)).timestamp()


def _prepare(action: Action) -> Handlers:
    parameters = action.parameters
    attributes = members(parameters, "Attributes")
    references = members(parameters, "References")
    if "DelaySeconds" in parameters and "ScheduledTime" in parameters:
        raise ParameterProblem("ScheduledTime", "only one of DelaySeconds and ScheduledTime may be given")
    if "ContactFlowId" not in parameters and "TaskTemplateId" not in parameters:
        raise ParameterProblem("ContactFlowId", "is missing", missing=True)
    task = CreateTask(
        action,
        name=template(required(parameters, "Name")),
        description=dynamic(parameters, "Description"),
        flow=dynamic(parameters, "ContactFlowId"),
        attributes={key: template(scalar(attributes, key, "Attributes.") or "") for key in attributes},
        references={key: _reference(references, key) for key in references},
        delay=dynamic(parameters, "DelaySeconds"),
        scheduled=dynamic(parameters, "ScheduledTime"),
        template_id=scalar(parameters, "TaskTemplateId"),
    )
    return Handlers(task.enter)


def _reference(references: Mapping[str, object], key: str) -> Mapping[str, Template]:
    """A URL by itself, or `{Type, Value}`."""
    if not isinstance(references[key], dict):
        return {"Value": template(required(references, key, "References.")), "Type": template("URL")}
    path = f"References.{key}."
    parts = members(references, key, "References.")
    return {part: template(required(parts, part, path)) for part in parts}


CREATE_TASK = ActionType(
    "CreateTask",
    _prepare,
    frozenset(
        (
            *("ContactFlowId", "Name", "Description", "Attributes", "References", "DelaySeconds", "ScheduledTime"),
            "TaskTemplateId",
        )
    ),
    results=NO_RESULT,
    static=frozenset(("TaskTemplateId",)),
)
RESUME_CONTACT = ActionType(
    "ResumeContact", lambda action: Handlers(Resume(action).enter), frozenset(), results=NO_RESULT
)
