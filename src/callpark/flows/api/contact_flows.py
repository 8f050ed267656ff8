"""Contact flows: made, published, changed, found, deleted.

A published flow serves new contacts from the answer on; contacts in progress keep what they began with.
https://docs.aws.amazon.com/connect/latest/APIReference/API_CreateContactFlow.html and its kin.
"""

from collections.abc import Mapping

import msgspec

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import optional, tags, text, texts
from callpark.flows.api.searching import matches
from callpark.flows.control.model import FlowRecord, NumberRecord
from callpark.flows.control.plane import ControlPlane, flow_and_qualifier, flow_of
from callpark.flows.control.publishing import check_published, digest
from callpark.flows.control.refusals import duplicate, invalid_parameter, limit_exceeded, not_found, not_published
from callpark.flows.model import FlowDefinition
from callpark.kernel.operations import Call, OperationTable

SAVED = "$SAVED"
LATEST = "$LATEST"


class ContactFlowOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "CreateContactFlow"): self.create,
            ("connect", "DescribeContactFlow"): self.describe,
            ("connect", "ListContactFlows"): self.list_flows,
            ("connect", "SearchContactFlows"): self.search,
            ("connect", "UpdateContactFlowContent"): self.update_content,
            ("connect", "UpdateContactFlowMetadata"): self.update_metadata,
            ("connect", "UpdateContactFlowName"): self.update_metadata,
            ("connect", "DeleteContactFlow"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        plane, name, content = self._plane, text(call, "Name"), text(call, "Content")
        id_ = plane.ids.uuid()
        arn = f"{plane.arn}/contact-flow/{id_}"
        published = call.parameters.get("Status") != "SAVED"
        async with plane.changing:
            _check_new(plane, name)
            record = FlowRecord(
                id=id_,
                arn=arn,
                name=name,
                type=text(call, "Type"),
                saved=content,
                description=text(call, "Description"),
                tags=tags(call),
                modified_at=plane.clock.now(),
            )
            if published:
                record = publish(plane, record, content)
            await plane.put(record)
        return {"ContactFlowId": id_, "ContactFlowArn": arn, "FlowContentSha256": digest(content)}

    async def describe(self, call: Call) -> Mapping[str, object]:
        reference = text(call, "ContactFlowId")
        _, qualifier = flow_and_qualifier(reference)
        record = flow_of(self._plane, reference, module=False)
        content, about = selected(record, qualifier)
        return {
            "ContactFlow": {**self._shown(record), **about, "Content": content, "FlowContentSha256": digest(content)}
        }

    async def list_flows(self, call: Call) -> Mapping[str, object]:
        types = texts(call, "ContactFlowTypes")
        found = [each for each in flows(self._plane) if not types or each.type in types]
        shown, token = page(call, found, key_of_flow)
        summaries = [
            {
                "Id": record.id,
                "Arn": record.arn,
                "Name": record.name,
                "ContactFlowType": record.type,
                "ContactFlowState": record.state,
                "ContactFlowStatus": status(record),
            }
            for record in shown
        ]
        return {"ContactFlowSummaryList": summaries, **token}

    async def search(self, call: Call) -> Mapping[str, object]:
        found = [
            each
            for each in flows(self._plane)
            if matches(call, each.tags, each.name, each.description, each.type, each.state, status(each))
        ]
        shown, token = page(call, found, key_of_flow)
        return {"ContactFlows": [self._shown(each) for each in shown], "ApproximateTotalCount": len(found), **token}

    async def update_content(self, call: Call) -> Mapping[str, object]:
        plane, content = self._plane, text(call, "Content")
        _, qualifier = flow_and_qualifier(text(call, "ContactFlowId"))
        if qualifier not in ("", SAVED, LATEST):
            raise invalid_parameter(f"Version {qualifier} of the flow cannot be changed.")
        async with plane.changing:
            record = flow_of(plane, text(call, "ContactFlowId"), module=False)
            await plane.put(updated(plane, record, content, record.settings, save=qualifier == SAVED))
        return {}

    async def update_metadata(self, call: Call) -> Mapping[str, object]:
        plane = self._plane
        async with plane.changing:
            record = flow_of(plane, text(call, "ContactFlowId"), module=False)
            await plane.put(described(plane, record, call, "The flow", "ContactFlowState"))
        return {}

    async def delete(self, call: Call) -> Mapping[str, object]:
        """Numbers that the flow answers are answered by nobody then."""
        plane = self._plane
        async with plane.changing:
            record = flow_of(plane, text(call, "ContactFlowId"), module=False)
            freed = [
                msgspec.structs.replace(each, flow_arn=None)
                for each in plane.records(NumberRecord)
                if each.flow_arn == record.arn
            ]
            await plane.put(*freed, removed=[record])
        return {}

    def _shown(self, record: FlowRecord) -> dict[str, object]:
        return {
            "Arn": record.arn,
            "Id": record.id,
            "Name": record.name,
            "Type": record.type,
            "State": record.state,
            "Status": status(record),
            "Description": record.description,
            "Tags": dict(record.tags),
            "LastModifiedTime": record.modified_at,
            "LastModifiedRegion": self._plane.region,
        }


def flows(plane: ControlPlane) -> list[FlowRecord]:
    """Without modules."""
    return [each for each in plane.records(FlowRecord) if each.kind == "contact-flow"]


def key_of_flow(record: FlowRecord) -> str:
    return f"{record.name}\n{record.id}"


def status(record: FlowRecord) -> str:
    return "SAVED" if record.content is None else "PUBLISHED"


def selected(record: FlowRecord, qualifier: str) -> tuple[str, Mapping[str, object]]:
    """The content that a qualifier means, and what the answer says of it. Raises CallerError."""
    if qualifier == SAVED:
        saved = record.saved if record.saved is not None else record.content
        return saved or "", {"Status": "PUBLISHED" if record.saved is None else "SAVED"}
    if qualifier in ("", LATEST):
        if record.content is None:
            raise not_published(record.id)
        return record.content, {}
    number = next((alias.version for alias in record.aliases if alias.name == qualifier), None)
    for version in record.versions:
        if str(version.number) == qualifier or version.number == number:
            return version.content, {"Version": version.number, "VersionDescription": version.description}
    raise not_found("Version", f"{record.id}:{qualifier}")


def publish(plane: ControlPlane, record: FlowRecord, content: str) -> FlowRecord:
    """The record with its content in force. Raises CallerError when AWS would not publish it."""
    definition = FlowDefinition(record.name, record.arn, content, record.type, settings=record.settings)
    check_published(definition, plane.definitions(), plane.limits)
    return msgspec.structs.replace(record, content=content, saved=None, source=None)


def updated(plane: ControlPlane, record: FlowRecord, content: str, settings: str | None, *, save: bool) -> FlowRecord:
    """New content, published unless it is only saved. Raises CallerError."""
    changed = msgspec.structs.replace(record, settings=settings, modified_at=plane.clock.now())
    return msgspec.structs.replace(changed, saved=content) if save else publish(plane, changed, content)


def described(plane: ControlPlane, record: FlowRecord, call: Call, what: str, state: str) -> FlowRecord:
    """Another name, description or state, as far as they are given. Raises CallerError."""
    name, description = optional(call, "Name"), optional(call, "Description")
    if name is not None:
        plane.check_name(record, what, name)
    archived = {"ARCHIVED": "ARCHIVED", "ACTIVE": "ACTIVE"}.get(text(call, state), record.state)
    return msgspec.structs.replace(
        record,
        name=record.name if name is None else name,
        description=record.description if description is None else description,
        state=archived,
        modified_at=plane.clock.now(),
    )


def _check_new(plane: ControlPlane, name: str) -> None:
    known = flows(plane)
    if any(each.name == name for each in known):
        raise duplicate("The flow", name)
    if len(known) >= plane.limits.instance_flows:
        raise limit_exceeded("flows", plane.limits.instance_flows)
