"""Versions of flows and modules, and aliases that name them. Flows are found by `ARN:3` and `ARN:alias` as well.

https://docs.aws.amazon.com/connect/latest/APIReference/API_CreateContactFlowVersion.html and its kin.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from callpark.flows.api.contact_flows import LATEST, SAVED
from callpark.flows.api.pages import page
from callpark.flows.api.parameters import number, optional, text
from callpark.flows.control.model import Alias, FlowRecord, Version
from callpark.flows.control.plane import ControlPlane, flow_of
from callpark.flows.control.publishing import digest
from callpark.flows.control.refusals import duplicate, invalid_parameter, invalid_request, not_found, not_published
from callpark.kernel.operations import Call, OperationTable

_ALIAS_NAME: Final = re.compile("[$0-9a-zA-Z][$0-9a-zA-Z_-]{0,99}")


@dataclass(frozen=True, slots=True)
class _Words:
    """How the operations on flows and those on modules spell the same."""

    noun: str
    list_member: str
    aliases_member: str
    arn_member: str
    checksum: str
    module: bool

    @property
    def id_member(self) -> str:
        return f"{self.noun}Id"

    @property
    def version_member(self) -> str:
        return f"{self.noun}Version"


FLOWS: Final = _Words(
    "ContactFlow",
    "ContactFlowVersionSummaryList",
    "ContactFlowAliasSummaryList",
    "ContactFlowArn",
    "FlowContentSha256",
    module=False,
)
MODULES: Final = _Words(
    "ContactFlowModule",
    "ContactFlowModuleVersionSummaryList",
    "ContactFlowModuleAliasSummaryList",
    "ContactFlowModuleArn",
    "FlowModuleContentSha256",
    module=True,
)


class FlowVersionOperations:
    """Of flows or of modules, by their words."""

    def __init__(self, plane: ControlPlane, words: _Words) -> None:
        self._plane = plane
        self._words = words

    def table(self) -> OperationTable:
        noun = self._words.noun
        return {
            ("connect", f"Create{noun}Version"): self.create_version,
            ("connect", f"List{noun}Versions"): self.list_versions,
            ("connect", f"Delete{noun}Version"): self.delete_version,
            ("connect", f"Create{noun}Alias"): self.create_alias,
            ("connect", f"Describe{noun}Alias"): self.describe_alias,
            ("connect", f"List{noun}Aliases"): self.list_aliases,
            ("connect", f"Update{noun}Alias"): self.update_alias,
            ("connect", f"Delete{noun}Alias"): self.delete_alias,
        }

    async def create_version(self, call: Call) -> Mapping[str, object]:
        """The same content again has the same version."""
        plane, words = self._plane, self._words
        async with plane.changing:
            record = self._flow(call)
            if record.content is None:
                raise not_published(record.id)
            checksum = optional(call, words.checksum)
            if checksum not in (None, digest(record.content)):
                raise invalid_request(f"{words.checksum} is not that of the published content.")
            last = record.versions[-1] if record.versions else None
            if last is None or (last.content, last.settings) != (record.content, record.settings):
                following = 1 if last is None else last.number + 1
                last = Version(following, record.content, text(call, "Description"), plane.clock.now(), record.settings)
                await plane.put(msgspec.structs.replace(record, versions=(*record.versions, last)))
        return {words.arn_member: f"{record.arn}:{last.number}", "Version": last.number}

    async def list_versions(self, call: Call) -> Mapping[str, object]:
        record = self._flow(call)
        shown, token = page(call, record.versions, lambda version: f"{version.number:09}")
        summaries: list[dict[str, object]] = [
            {
                "Arn": f"{record.arn}:{version.number}",
                "Version": version.number,
                **({"VersionDescription": version.description} if version.description else {}),
                **({} if self._words.module else {"LastModifiedTime": version.created_at}),
            }
            for version in shown
        ]
        return {self._words.list_member: summaries, **token}

    async def delete_version(self, call: Call) -> Mapping[str, object]:
        plane, given = self._plane, number(call, self._words.version_member)
        async with plane.changing:
            record = self._flow(call)
            self._need_version(record, given)
            named = [alias.name for alias in record.aliases if alias.version == given]
            if named:
                raise invalid_request(f"Version {given} is named by the alias {named[0]}.")
            kept = tuple(version for version in record.versions if version.number != given)
            await plane.put(msgspec.structs.replace(record, versions=kept))
        return {}

    async def create_alias(self, call: Call) -> Mapping[str, object]:
        plane, words = self._plane, self._words
        name, given = text(call, "AliasName"), number(call, words.version_member)
        async with plane.changing:
            record = self._flow(call)
            self._need_version(record, given)
            self._check_name(record, name)
            alias = Alias(plane.ids.uuid(), name, given or 0, text(call, "Description"), plane.clock.now())
            await plane.put(msgspec.structs.replace(record, aliases=(*record.aliases, alias)))
        return {words.arn_member: f"{record.arn}:{name}", "Id": alias.id}

    async def describe_alias(self, call: Call) -> Mapping[str, object]:
        record = self._flow(call)
        alias = self._alias(record, text(call, "AliasId"))
        shown: dict[str, object] = {
            self._words.id_member: record.id,
            self._words.arn_member: f"{record.arn}:{alias.name}",
            "AliasId": alias.id,
            "Version": alias.version,
            "Name": alias.name,
            "Description": alias.description,
            "LastModifiedTime": alias.modified_at,
            "LastModifiedRegion": self._plane.region,
        }
        return {f"{self._words.noun}Alias": shown}

    async def list_aliases(self, call: Call) -> Mapping[str, object]:
        record = self._flow(call)
        shown, token = page(call, record.aliases, lambda alias: alias.name)
        summaries = [
            {
                "Arn": f"{record.arn}:{alias.name}",
                "AliasId": alias.id,
                "Version": alias.version,
                "AliasName": alias.name,
                "AliasDescription": alias.description,
                "LastModifiedTime": alias.modified_at,
            }
            for alias in shown
        ]
        return {self._words.aliases_member: summaries, **token}

    async def update_alias(self, call: Call) -> Mapping[str, object]:
        plane, given = self._plane, number(call, self._words.version_member)
        async with plane.changing:
            record = self._flow(call)
            alias = self._alias(record, text(call, "AliasId"))
            if given is not None:
                self._need_version(record, given)
            name, description = optional(call, "Name") or alias.name, optional(call, "Description")
            if name != alias.name:
                self._check_name(record, name)
            changed = Alias(
                alias.id,
                name,
                alias.version if given is None else given,
                alias.description if description is None else description,
                plane.clock.now(),
            )
            aliases = tuple(changed if other.id == alias.id else other for other in record.aliases)
            await plane.put(msgspec.structs.replace(record, aliases=aliases))
        return {}

    async def delete_alias(self, call: Call) -> Mapping[str, object]:
        plane = self._plane
        async with plane.changing:
            record = self._flow(call)
            gone = self._alias(record, text(call, "AliasId"))
            aliases = tuple(alias for alias in record.aliases if alias.id != gone.id)
            await plane.put(msgspec.structs.replace(record, aliases=aliases))
        return {}

    def _flow(self, call: Call) -> FlowRecord:
        return flow_of(self._plane, text(call, self._words.id_member), module=self._words.module)

    def _alias(self, record: FlowRecord, alias_id: str) -> Alias:
        for alias in record.aliases:
            if alias_id in (alias.id, alias.name):
                return alias
        raise not_found("The alias", alias_id)

    def _check_name(self, record: FlowRecord, name: str) -> None:
        """A name is not to be taken for a version, or for the aliases that every flow has."""
        if _ALIAS_NAME.fullmatch(name) is None or name.isdigit() or name in (SAVED, LATEST):
            raise invalid_parameter(
                f"{name!r} is not the name of an alias: letters, digits, - and _, not digits alone."
            )
        if any(alias.name == name for alias in record.aliases):
            raise duplicate("The alias", name)

    def _need_version(self, record: FlowRecord, given: int | None) -> None:
        if all(version.number != given for version in record.versions):
            raise not_found("Version", f"{record.id}:{given}")
