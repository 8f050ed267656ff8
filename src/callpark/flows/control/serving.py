"""From records to what `Flows` serves. Pure; called by `plane.py` after every change.

What a project declares and nobody changed is served as it was declared, so that its problems are named in its own
words.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import msgspec

from callpark.flows.control.model import (
    FlowRecord,
    HoursRecord,
    NumberRecord,
    OverrideRecord,
    PromptRecord,
    QueueRecord,
    Record,
    Settings,
)
from callpark.flows.control.people import ProfileRecord, QuickConnectRecord, StatusRecord, UserRecord
from callpark.flows.declared import AgentStatus, Hours, HoursOverride, ProfileQueue, Queue, RoutingProfile
from callpark.flows.hours import DAYS
from callpark.flows.model import FlowDefinition, InstanceDefinition, NumberDefinition

#: An override of more days than this is cut (our rule): one that never ends would be endless work.
OVERRIDE_DAYS: Final = 731


def serving(
    definition: InstanceDefinition, records: Sequence[Record], settings: Settings
) -> tuple[InstanceDefinition, list[FlowDefinition], list[NumberDefinition]]:
    """`definition` is the project's. Declared records come last, so that their flows have the names."""
    numbers = {each.id: each for each in records if isinstance(each, NumberRecord)}
    declared = msgspec.structs.replace(
        definition.declared,
        queues=tuple(_queue(each, numbers) for each in records if isinstance(each, QueueRecord)),
        hours=tuple(_hours(each) for each in records if isinstance(each, HoursRecord)),
        prompts=tuple(each.value for each in records if isinstance(each, PromptRecord)),
        **_people(records),
    )
    made = settings.functions
    instance = replace(
        definition,
        declared=declared,
        function_arns=tuple(dict.fromkeys((*definition.function_arns, *(made or ())))),
        all_functions=definition.all_functions and made is None,
    )
    flows = [each for record in records if isinstance(record, FlowRecord) for each in _flows(record)]
    return instance, flows, [NumberDefinition(each.number, each.arn, each.flow_arn) for each in numbers.values()]


def _people(records: Sequence[Record]) -> Mapping[str, object]:
    """Users, routing profiles, statuses, quick connects. What has been deleted since is left out of what names it."""
    queues = {key for each in records if isinstance(each, QueueRecord) for key in (each.id, each.arn, each.name)}
    profiles = [_profile(each, records, queues) for each in records if isinstance(each, ProfileRecord)]
    known = {key for profile in profiles for key in (profile.id, profile.arn, profile.name)}
    users = [each for each in records if isinstance(each, UserRecord)]
    people = {key for user in users for key in (user.id, user.arn, user.name)}
    connects = [each for each in records if isinstance(each, QuickConnectRecord)]
    return {
        "routing_profiles": tuple(profiles),
        "agents": tuple(
            user.value
            if user.declared or user.value.routing_profile in known
            else msgspec.structs.replace(user.value, routing_profile=None)
            for user in users
        ),
        "agent_statuses": tuple(
            AgentStatus(name=each.name, id=each.id, arn=each.arn, type=each.type)
            for each in records
            if isinstance(each, StatusRecord) and each.type != "OFFLINE" and each.state == "ENABLED"
        ),
        "quick_connects": tuple(
            each.value for each in connects if each.declared or each.value.queue in queues or each.value.agent in people
        ),
    }


def _profile(record: ProfileRecord, records: Sequence[Record], queues: Collection[str]) -> RoutingProfile:
    if record.basic:
        every = [ProfileQueue(queue=each.id) for each in records if isinstance(each, QueueRecord)]
        return msgspec.structs.replace(record.value, queues=tuple(every))
    if record.declared:
        return record.value
    kept = tuple(entry for entry in record.value.queues if entry.queue in queues)
    return msgspec.structs.replace(record.value, queues=kept)


def _flows(record: FlowRecord) -> Iterator[FlowDefinition]:
    """Versions and aliases first: the last flow of a name has it."""
    source = None if record.source is None else Path(record.source)

    def definition(qualifier: str, content: str, settings: str | None = record.settings) -> FlowDefinition:
        return FlowDefinition(record.name, record.arn + qualifier, content, record.type, source, settings)

    contents = {version.number: version for version in record.versions}
    for version in record.versions:
        yield definition(f":{version.number}", version.content, version.settings)
    for alias in record.aliases:
        if (version_of := contents.get(alias.version)) is not None:
            yield definition(f":{alias.name}", version_of.content, version_of.settings)
    if record.content is not None:
        yield definition("", record.content)


def _queue(record: QueueRecord, numbers: Mapping[str, NumberRecord]) -> Queue:
    """A disabled queue takes nobody (our rule: as a full one)."""
    caller = numbers.get(record.outbound.get("OutboundCallerIdNumberId", "").rsplit("/", 1)[-1])
    return msgspec.structs.replace(
        record.value,
        capacity=0 if record.status == "DISABLED" else record.value.capacity,
        caller_id=record.value.caller_id if caller is None else caller.number,
    )


def _hours(record: HoursRecord) -> Hours:
    if record.as_declared is not None:
        return record.as_declared
    days: dict[str, tuple[str, ...]] = {}
    for span in record.config:
        days[span.day] = (*days.get(span.day, ()), span.text)
    return Hours(
        name=record.name,
        id=record.id,
        arn=record.arn,
        time_zone=record.time_zone,
        days=days,
        overrides=tuple(each for override in record.overrides for each in _override(override)),
    )


def _override(override: OverrideRecord) -> Iterator[HoursOverride]:
    """Date by date: each has the hours of its weekday."""
    first, last = date.fromisoformat(override.first), date.fromisoformat(override.last)
    hours: dict[str, tuple[str, ...]] = {}
    for span in override.config:
        hours[span.day] = (*hours.get(span.day, ()), span.text)
    if len(set(hours.values())) <= 1 and len(hours) in (0, len(DAYS)):
        spans = next(iter(hours.values()), ())
        yield HoursOverride(name=override.name, first=first, last=last, hours=spans)
        return
    for number in range(min((last - first).days + 1, OVERRIDE_DAYS)):
        day = first + timedelta(days=number)
        yield HoursOverride(name=override.name, first=day, last=day, hours=hours.get(DAYS[day.weekday()], ()))
