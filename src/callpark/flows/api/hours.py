"""Hours of operation and their overrides.

https://docs.aws.amazon.com/connect/latest/APIReference/API_CreateHoursOfOperation.html and its kin.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

import msgspec

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import items, optional, structure, tags, text
from callpark.flows.control.model import DaySpan, HoursRecord, OverrideRecord, QueueRecord
from callpark.flows.control.plane import ControlPlane
from callpark.flows.control.refusals import duplicate, in_use, invalid_parameter, not_found, unsupported
from callpark.flows.hours import read_zone
from callpark.kernel.operations import Call, OperationTable

_MOST_OVERRIDES: Final = 100


class HoursOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "CreateHoursOfOperation"): self.create,
            ("connect", "DescribeHoursOfOperation"): self.describe,
            ("connect", "ListHoursOfOperations"): self.list_hours,
            ("connect", "UpdateHoursOfOperation"): self.update,
            ("connect", "DeleteHoursOfOperation"): self.delete,
            ("connect", "CreateHoursOfOperationOverride"): self.create_override,
            ("connect", "DescribeHoursOfOperationOverride"): self.describe_override,
            ("connect", "ListHoursOfOperationOverrides"): self.list_overrides,
            ("connect", "UpdateHoursOfOperationOverride"): self.update_override,
            ("connect", "DeleteHoursOfOperationOverride"): self.delete_override,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        plane, name = self._plane, text(call, "Name")
        if items(call.parameters.get("ParentHoursOfOperationConfigs")):
            raise unsupported("ParentHoursOfOperationConfigs of CreateHoursOfOperation")
        async with plane.changing:
            plane.check_new(
                HoursRecord, "The hours of operation", name, plane.limits.instance_hours, "hours of operation"
            )
            id_ = plane.ids.uuid()
            record = HoursRecord(
                id=id_,
                arn=f"{plane.arn}/operating-hours/{id_}",
                name=name,
                time_zone=_zone(text(call, "TimeZone")),
                config=_config(call),
                description=text(call, "Description"),
                tags=tags(call),
                modified_at=plane.clock.now(),
            )
            await plane.put(record)
        return {"HoursOfOperationId": id_, "HoursOfOperationArn": record.arn}

    async def describe(self, call: Call) -> Mapping[str, object]:
        record = self._hours(call)
        members: dict[str, object] = {
            "HoursOfOperationId": record.id,
            "HoursOfOperationArn": record.arn,
            "Name": record.name,
            "TimeZone": record.time_zone,
            "Config": [_shown_span(span) for span in record.config],
            "Tags": dict(record.tags),
            "LastModifiedTime": record.modified_at,
            "LastModifiedRegion": self._plane.region,
        }
        return {"HoursOfOperation": {**members, **({"Description": record.description} if record.description else {})}}

    async def list_hours(self, call: Call) -> Mapping[str, object]:
        shown, token = page(call, self._plane.records(HoursRecord), lambda record: f"{record.name}\n{record.id}")
        members = [
            {"Id": record.id, "Arn": record.arn, "Name": record.name, "LastModifiedTime": record.modified_at}
            for record in shown
        ]
        return {"HoursOfOperationSummaryList": members, **token}

    async def update(self, call: Call) -> Mapping[str, object]:
        plane, name, description = self._plane, optional(call, "Name"), optional(call, "Description")
        zone = optional(call, "TimeZone")
        async with plane.changing:
            record = self._hours(call)
            if name is not None:
                plane.check_name(record, "The hours of operation", name)
            await self._put(
                msgspec.structs.replace(
                    record,
                    name=record.name if name is None else name,
                    description=record.description if description is None else description,
                    time_zone=record.time_zone if zone is None else _zone(zone),
                    config=_config(call) if "Config" in call.parameters else record.config,
                )
            )
        return {}

    async def delete(self, call: Call) -> Mapping[str, object]:
        plane = self._plane
        async with plane.changing:
            record = self._hours(call)
            for queue in plane.records(QueueRecord):
                if queue.value.hours in (record.id, record.arn, record.name):
                    raise in_use(
                        "HOURS_OF_OPERATION", record.id, f"The queue {queue.name} has these hours of operation."
                    )
            await plane.put(removed=[record])
        return {}

    async def create_override(self, call: Call) -> Mapping[str, object]:
        plane = self._plane
        async with plane.changing:
            record = self._hours(call)
            override = _override(call, OverrideRecord(id=plane.ids.uuid(), name="", first="", last=""))
            if any(other.name == override.name for other in record.overrides):
                raise duplicate("The override", override.name)
            if len(record.overrides) >= _MOST_OVERRIDES:
                raise invalid_parameter(f"Hours of operation have {_MOST_OVERRIDES} overrides at most.")
            await self._put(msgspec.structs.replace(record, overrides=(*record.overrides, override)))
        return {"HoursOfOperationOverrideId": override.id}

    async def describe_override(self, call: Call) -> Mapping[str, object]:
        record = self._hours(call)
        return {"HoursOfOperationOverride": _shown_override(record, self._override(record, call))}

    async def list_overrides(self, call: Call) -> Mapping[str, object]:
        record = self._hours(call)
        shown, token = page(call, record.overrides, lambda override: f"{override.first}\n{override.id}")
        members = [_shown_override(record, override) for override in shown]
        return {"HoursOfOperationOverrideList": members, "LastModifiedTime": record.modified_at, **token}

    async def update_override(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            record = self._hours(call)
            before = self._override(record, call)
            changed = _override(call, before)
            overrides = tuple(changed if other.id == before.id else other for other in record.overrides)
            await self._put(msgspec.structs.replace(record, overrides=overrides))
        return {}

    async def delete_override(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            record = self._hours(call)
            gone = self._override(record, call)
            overrides = tuple(other for other in record.overrides if other.id != gone.id)
            await self._put(msgspec.structs.replace(record, overrides=overrides))
        return {}

    async def _put(self, record: HoursRecord) -> None:
        changed = msgspec.structs.replace(record, modified_at=self._plane.clock.now(), as_declared=None)
        await self._plane.put(changed)

    def _hours(self, call: Call) -> HoursRecord:
        return self._plane.find(HoursRecord, "The hours of operation", text(call, "HoursOfOperationId"))

    def _override(self, record: HoursRecord, call: Call) -> OverrideRecord:
        id_ = text(call, "HoursOfOperationOverrideId")
        for override in record.overrides:
            if override.id == id_:
                return override
        raise not_found("The override", id_)


def _zone(name: str) -> str:
    try:
        read_zone(name)
    except ValueError as error:
        raise invalid_parameter(f"TimeZone: {error}") from None
    return name


def _config(call: Call) -> tuple[DaySpan, ...]:
    return tuple(_span(structure(item)) for item in items(call.parameters.get("Config")))


def _span(item: Mapping[str, object]) -> DaySpan:
    return DaySpan(str(item.get("Day") or "").capitalize(), _clock(item, "StartTime"), _clock(item, "EndTime"))


def _clock(item: Mapping[str, object], name: str) -> tuple[int, int]:
    time = structure(item.get(name))
    hours, minutes = time.get("Hours"), time.get("Minutes")
    if not isinstance(hours, int) or not isinstance(minutes, int) or not item.get("Day"):
        raise invalid_parameter("A span of hours has Day, StartTime and EndTime.")
    return hours, minutes


def _override(call: Call, before: OverrideRecord) -> OverrideRecord:
    """An override after a change. Raises CallerError."""
    if call.parameters.get("RecurrenceConfig"):
        raise unsupported("RecurrenceConfig of an hours of operation override")
    if call.parameters.get("OverrideType") not in (None, "STANDARD"):
        raise unsupported(f"OverrideType {call.parameters['OverrideType']} of an hours of operation override")
    first = _date(optional(call, "EffectiveFrom") or before.first, "EffectiveFrom")
    last = _date(optional(call, "EffectiveTill") or before.last, "EffectiveTill")
    if last < first:
        raise invalid_parameter("EffectiveTill is before EffectiveFrom.")
    description = optional(call, "Description")
    return OverrideRecord(
        id=before.id,
        name=optional(call, "Name") or before.name,
        description=before.description if description is None else description,
        first=str(first),
        last=str(last),
        config=_config(call) if "Config" in call.parameters else before.config,
    )


def _date(text_: str, name: str) -> date:
    try:
        return date.fromisoformat(text_)
    except ValueError:
        raise invalid_parameter(f"{name} is a date like 2026-12-24.") from None


def _shown_span(span: DaySpan) -> dict[str, object]:
    return {
        "Day": span.day.upper(),
        "StartTime": {"Hours": span.start[0] % 24, "Minutes": span.start[1]},
        "EndTime": {"Hours": span.end[0] % 24, "Minutes": span.end[1]},
    }


def _shown_override(record: HoursRecord, override: OverrideRecord) -> dict[str, object]:
    members: dict[str, object] = {
        "HoursOfOperationOverrideId": override.id,
        "HoursOfOperationId": record.id,
        "HoursOfOperationArn": record.arn,
        "Name": override.name,
        "Config": [_shown_span(span) for span in override.config],
        "EffectiveFrom": override.first,
        "EffectiveTill": override.last,
        "OverrideType": "STANDARD",
    }
    return {**members, "Description": override.description} if override.description else members
