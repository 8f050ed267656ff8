"""Flow modules: as flows, with a contract (`Settings`, JSON text) beside the content.

https://docs.aws.amazon.com/connect/latest/APIReference/API_CreateContactFlowModule.html and its kin.
"""

from collections.abc import Mapping

from callpark.flows.api.contact_flows import SAVED, described, key_of_flow, publish, selected, status, updated
from callpark.flows.api.pages import page
from callpark.flows.api.parameters import optional, structure, tags, text
from callpark.flows.api.searching import matches
from callpark.flows.contracts import read_contract
from callpark.flows.control.model import FlowRecord
from callpark.flows.control.plane import ControlPlane, flow_and_qualifier, flow_of
from callpark.flows.control.publishing import digest
from callpark.flows.control.refusals import duplicate, invalid_parameter, limit_exceeded
from callpark.flows.placement import MODULE
from callpark.kernel.operations import Call, OperationTable


class FlowModuleOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "CreateContactFlowModule"): self.create,
            ("connect", "DescribeContactFlowModule"): self.describe,
            ("connect", "ListContactFlowModules"): self.list_modules,
            ("connect", "SearchContactFlowModules"): self.search,
            ("connect", "UpdateContactFlowModuleContent"): self.update_content,
            ("connect", "UpdateContactFlowModuleMetadata"): self.update_metadata,
            ("connect", "DeleteContactFlowModule"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        plane, name, content = self._plane, text(call, "Name"), text(call, "Content")
        token = optional(call, "ClientToken")
        async with plane.changing:
            known = self._modules()
            same = next((each for each in known if token and each.token == token), None)
            if same is not None and same.name == name:
                return {"Id": same.id, "Arn": same.arn}
            if any(each.name == name for each in known):
                raise duplicate("The flow module", name)
            if len(known) >= plane.limits.instance_modules:
                raise limit_exceeded("flow modules", plane.limits.instance_modules)
            id_ = plane.ids.uuid()
            record = FlowRecord(
                id=id_,
                arn=f"{plane.arn}/flow-module/{id_}",
                name=name,
                type=MODULE,
                description=text(call, "Description"),
                settings=_contract(optional(call, "Settings")),
                external=structure(call.parameters.get("ExternalInvocationConfiguration")).get("Enabled") is True,
                tags=tags(call),
                modified_at=plane.clock.now(),
                token=token,
            )
            if record.external:
                plane.warn_inert(f"flow module {name}", ["ExternalInvocationConfiguration"])
            record = publish(plane, record, content)
            await plane.put(record)
        return {"Id": record.id, "Arn": record.arn}

    async def describe(self, call: Call) -> Mapping[str, object]:
        reference = text(call, "ContactFlowModuleId")
        _, qualifier = flow_and_qualifier(reference)
        record = flow_of(self._plane, reference, module=True)
        content, about = selected(record, qualifier)
        shown = {**_shown(record), **about, "Content": content, "FlowModuleContentSha256": digest(content)}
        return {"ContactFlowModule": shown}

    async def list_modules(self, call: Call) -> Mapping[str, object]:
        state = optional(call, "ContactFlowModuleState")
        shown, token = page(call, [each for each in self._modules() if state in (None, each.state)], key_of_flow)
        summaries = [
            {"Id": record.id, "Arn": record.arn, "Name": record.name, "State": record.state} for record in shown
        ]
        return {"ContactFlowModulesSummaryList": summaries, **token}

    async def search(self, call: Call) -> Mapping[str, object]:
        found = [
            each
            for each in self._modules()
            if matches(call, each.tags, each.name, each.description, each.state, status(each))
        ]
        shown, token = page(call, found, key_of_flow)
        members = [_shown(each) for each in shown]
        return {"ContactFlowModules": members, "ApproximateTotalCount": len(found), **token}

    async def update_content(self, call: Call) -> Mapping[str, object]:
        plane = self._plane
        _, qualifier = flow_and_qualifier(text(call, "ContactFlowModuleId"))
        async with plane.changing:
            record = flow_of(plane, text(call, "ContactFlowModuleId"), module=True)
            content = optional(call, "Content") or record.content or record.saved or ""
            given = optional(call, "Settings")
            settings = record.settings if given is None else _contract(given)
            await plane.put(updated(plane, record, content, settings, save=qualifier == SAVED))
        return {}

    async def update_metadata(self, call: Call) -> Mapping[str, object]:
        plane = self._plane
        async with plane.changing:
            record = flow_of(plane, text(call, "ContactFlowModuleId"), module=True)
            await plane.put(described(plane, record, call, "The flow module", "State"))
        return {}

    async def delete(self, call: Call) -> Mapping[str, object]:
        plane = self._plane
        async with plane.changing:
            await plane.put(removed=[flow_of(plane, text(call, "ContactFlowModuleId"), module=True)])
        return {}

    def _modules(self) -> list[FlowRecord]:
        return [each for each in self._plane.records(FlowRecord) if each.kind == "flow-module"]


def _shown(record: FlowRecord) -> dict[str, object]:
    members: dict[str, object] = {
        "Arn": record.arn,
        "Id": record.id,
        "Name": record.name,
        "Description": record.description,
        "State": record.state,
        "Status": status(record),
        "Tags": dict(record.tags),
        "ExternalInvocationConfiguration": {"Enabled": record.external},
    }
    return members if record.settings is None else {**members, "Settings": record.settings}


def _contract(settings: str | None) -> str | None:
    """Raises CallerError for what is no contract."""
    if settings is not None and read_contract(settings) is None:
        raise invalid_parameter("Settings is the JSON text of an object.")
    return settings
