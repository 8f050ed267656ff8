"""A project's instance as records: what it declares is shown and changed like what the API makes. Pure.

Called by `plane.py` when a project is served. What has no id gets one that stays the same from load to load.
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from callpark.flows.control.model import (
    DaySpan,
    FlowRecord,
    HoursRecord,
    NumberRecord,
    OverrideRecord,
    PromptRecord,
    QueueRecord,
    Record,
)
from callpark.flows.control.people import (
    BASIC,
    SECURITY_PROFILES,
    ProfileRecord,
    QuickConnectRecord,
    StatusRecord,
    UserRecord,
)
from callpark.flows.declared import (
    Agent,
    AgentStatus,
    Declared,
    Hours,
    HoursOverride,
    PromptFile,
    Queue,
    QuickConnect,
    RoutingProfile,
)
from callpark.flows.hours import DAYS
from callpark.flows.model import FlowDefinition, InstanceDefinition, NumberDefinition
from callpark.flows.resources import STATUSES

_NAMESPACE = uuid.UUID("9a2f6c0e-6f0b-4a4b-8d53-3f6f4a1f7f10")

_Named = TypeVar("_Named", Queue, PromptFile, Agent, Hours, RoutingProfile, AgentStatus, QuickConnect)


def identified(value: _Named, kind: str, instance_arn: str) -> _Named:
    """With an id and an ARN, whatever of it was declared."""
    id_ = value.id or (value.arn.rsplit("/", 1)[-1] if "/" in value.arn else made_id(instance_arn, kind, value.name))
    return msgspec.structs.replace(value, id=id_, arn=value.arn or f"{instance_arn}/{kind}/{id_}")


def made_id(instance_arn: str, kind: str, name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{instance_arn}/{kind}/{name}"))


def declared_records(
    definition: InstanceDefinition, flows: Sequence[FlowDefinition], numbers: Sequence[NumberDefinition], now: float
) -> list[Record]:
    declared, instance = definition.declared, definition.arn
    return [
        *(_flow(flow, now) for flow in flows),
        *(_number(number, now) for number in numbers),
        *(
            QueueRecord(value=identified(queue, "queue", instance), modified_at=now, declared=True)
            for queue in declared.queues
        ),
        *(_hours(identified(hours, "operating-hours", instance), now) for hours in declared.hours),
        *(
            PromptRecord(value=identified(prompt, "prompt", instance), modified_at=now, declared=True)
            for prompt in declared.prompts
        ),
        *_people(declared, instance, now),
    ]


def _people(declared: Declared, instance: str, now: float) -> Iterable[Record]:
    """With the routing profile, the statuses and the security profile that every instance has."""
    profiles = [identified(profile, "routing-profile", instance) for profile in declared.routing_profiles]
    if not any(profile.name == BASIC for profile in profiles):
        basic = identified(RoutingProfile(name=BASIC), "routing-profile", instance)
        yield ProfileRecord(
            value=basic, description="All queues, one contact at a time.", basic=True, modified_at=now, declared=True
        )
    for profile in profiles:
        yield ProfileRecord(value=profile, modified_at=now, declared=True)
    for name, type_ in STATUSES.items():
        made = identified(AgentStatus(name=name), "agent-state", instance)
        yield StatusRecord(id=made.id, arn=made.arn, name=name, type=type_, modified_at=now, declared=True)
    for status in declared.agent_statuses:
        made = identified(status, "agent-state", instance)
        yield StatusRecord(id=made.id, arn=made.arn, name=made.name, type=made.type, modified_at=now, declared=True)
    security = (made_id(instance, "security-profile", SECURITY_PROFILES[1]),)
    for agent in declared.agents:
        value = identified(agent, "agent", instance)
        yield UserRecord(value=value, security_profiles=security, modified_at=now, declared=True)
    for connect in declared.quick_connects:
        made_connect = identified(connect, "transfer-destination", instance)
        yield QuickConnectRecord(
            value=made_connect,
            type="QUEUE" if connect.agent is None else "USER",
            modified_at=now,
            declared=True,
        )


def _flow(flow: FlowDefinition, now: float) -> FlowRecord:
    return FlowRecord(
        id=flow.arn.rsplit("/", 1)[-1],
        arn=flow.arn,
        name=flow.name,
        type=flow.type,
        content=flow.content,
        settings=flow.settings,
        modified_at=now,
        declared=True,
        source=None if flow.source is None else str(flow.source),
    )


def _number(number: NumberDefinition, now: float) -> NumberRecord:
    return NumberRecord(
        id=number.arn.rsplit("/", 1)[-1],
        arn=number.arn,
        number=number.number,
        flow_arn=number.flow_arn,
        modified_at=now,
        declared=True,
    )


def _hours(hours: Hours, now: float) -> HoursRecord:
    return HoursRecord(
        id=hours.id,
        arn=hours.arn,
        name=hours.name,
        time_zone=hours.time_zone,
        config=tuple(_spans([(day, span) for day in DAYS for span in hours.days.get(day, ())])),
        overrides=tuple(_override(hours, override) for override in hours.overrides),
        modified_at=now,
        declared=True,
        as_declared=hours,
    )


def _override(hours: Hours, override: HoursOverride) -> OverrideRecord:
    return OverrideRecord(
        id=made_id(hours.arn, override.name, f"{override.first}/{override.last}"),
        name=override.name or f"{override.first}",
        first=str(override.first),
        last=str(override.last),
        config=tuple(_spans([(day, span) for day in DAYS for span in override.hours])),
    )


def _spans(spans: Iterable[tuple[str, str]]) -> Iterable[DaySpan]:
    """Spans that cannot be read are left out here: serving the project refuses them by name."""
    for day, span in spans:
        start, _, end = span.partition("-")
        first, last = _clock(start), _clock(end)
        if first is not None and last is not None:
            yield DaySpan(day, first, last)


def _clock(text: str) -> tuple[int, int] | None:
    hour, _, minute = text.strip().partition(":")
    return (int(hour), int(minute)) if hour.isdecimal() and minute.isdecimal() else None
