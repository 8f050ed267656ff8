"""Phone numbers: found, claimed, answered by a flow, released.

Any E.164 number that is not claimed is available (our rule); the search offers made-up ones of the asked country.
https://docs.aws.amazon.com/connect/latest/APIReference/API_ClaimPhoneNumber.html and its kin.
"""

from collections.abc import Iterator, Mapping

import msgspec
import phonenumbers

from callpark.flows.api.pages import page
from callpark.flows.api.parameters import optional, tags, text, texts
from callpark.flows.control.model import NumberRecord
from callpark.flows.control.plane import ControlPlane, flow_of
from callpark.flows.control.refusals import invalid_parameter
from callpark.kernel.operations import Call, OperationTable

#: The last digits of the numbers that are offered.
_OFFERED = range(100, 1_000)


class PhoneNumberOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("connect", "SearchAvailablePhoneNumbers"): self.search_available,
            ("connect", "ClaimPhoneNumber"): self.claim,
            ("connect", "ListPhoneNumbers"): self.list_numbers,
            ("connect", "ListPhoneNumbersV2"): self.list_numbers_v2,
            ("connect", "DescribePhoneNumber"): self.describe,
            ("connect", "ReleasePhoneNumber"): self.release,
            ("connect", "UpdatePhoneNumber"): self.update,
            ("connect", "UpdatePhoneNumberMetadata"): self.update_metadata,
            ("connect", "AssociatePhoneNumberContactFlow"): self.associate,
            ("connect", "DisassociatePhoneNumberContactFlow"): self.disassociate,
        }

    async def search_available(self, call: Call) -> Mapping[str, object]:
        country, type_ = text(call, "PhoneNumberCountryCode"), text(call, "PhoneNumberType")
        claimed = {record.number for record in self._plane.records(NumberRecord)}
        offered = [each for each in _available(country, type_, text(call, "PhoneNumberPrefix")) if each not in claimed]
        shown, token = page(call, offered, str, 10)
        members = [{"PhoneNumber": each, "PhoneNumberCountryCode": country, "PhoneNumberType": type_} for each in shown]
        return {"AvailableNumbersList": members, **token}

    async def claim(self, call: Call) -> Mapping[str, object]:
        """The same request again has the same answer."""
        plane, number, token = self._plane, text(call, "PhoneNumber"), optional(call, "ClientToken")
        async with plane.changing:
            known = next((each for each in plane.records(NumberRecord) if each.number == number), None)
            if known is None:
                id_ = plane.ids.uuid()
                known = NumberRecord(
                    id=id_,
                    arn=plane.place.arn("connect", f"phone-number/{id_}"),
                    number=number,
                    description=text(call, "PhoneNumberDescription"),
                    tags=tags(call),
                    modified_at=plane.clock.now(),
                    token=token,
                )
                await plane.put(known)
            elif token is None or known.token != token:
                raise invalid_parameter(f"The phone number {number} is claimed already.")
        return {"PhoneNumberId": known.id, "PhoneNumberArn": known.arn}

    async def list_numbers(self, call: Call) -> Mapping[str, object]:
        shown, token = page(call, self._found(call), _key)
        members = [
            {
                "Id": record.id,
                "Arn": record.arn,
                "PhoneNumber": record.number,
                "PhoneNumberType": type_of(record.number),
                "PhoneNumberCountryCode": country_of(record.number),
            }
            for record in shown
        ]
        return {"PhoneNumberSummaryList": members, **token}

    async def list_numbers_v2(self, call: Call) -> Mapping[str, object]:
        shown, token = page(call, self._found(call), _key)
        return {"ListPhoneNumbersSummaryList": [self._shown(record) for record in shown], **token}

    async def describe(self, call: Call) -> Mapping[str, object]:
        record = self._number(call)
        shown = {**self._shown(record), "Tags": dict(record.tags), "PhoneNumberStatus": {"Status": "CLAIMED"}}
        return {"ClaimedPhoneNumberSummary": shown}

    async def release(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            await self._plane.put(removed=[self._number(call)])
        return {}

    async def update(self, call: Call) -> Mapping[str, object]:
        """To another instance; there is none, so the number stays."""
        record = self._number(call)
        return {"PhoneNumberId": record.id, "PhoneNumberArn": record.arn}

    async def update_metadata(self, call: Call) -> Mapping[str, object]:
        description = optional(call, "PhoneNumberDescription")
        async with self._plane.changing:
            record = self._number(call)
            if description is not None:
                await self._put(record, description=description)
        return {}

    async def associate(self, call: Call) -> Mapping[str, object]:
        plane = self._plane
        async with plane.changing:
            record = self._number(call)
            flow = flow_of(plane, text(call, "ContactFlowId"), module=False)
            if flow.type != "CONTACT_FLOW":
                raise invalid_parameter(f"A flow of type {flow.type} does not answer a phone number.")
            await self._put(record, flow_arn=flow.arn)
        return {}

    async def disassociate(self, call: Call) -> Mapping[str, object]:
        async with self._plane.changing:
            await self._put(self._number(call), flow_arn=None)
        return {}

    async def _put(self, record: NumberRecord, **changed: str | None) -> None:
        changes: dict[str, object] = {**changed, "modified_at": self._plane.clock.now()}
        await self._plane.put(msgspec.structs.replace(record, **changes))

    def _number(self, call: Call) -> NumberRecord:
        return self._plane.find(NumberRecord, "The phone number", text(call, "PhoneNumberId"))

    def _found(self, call: Call) -> list[NumberRecord]:
        types, countries = texts(call, "PhoneNumberTypes"), texts(call, "PhoneNumberCountryCodes")
        prefix = text(call, "PhoneNumberPrefix")
        return [
            record
            for record in self._plane.records(NumberRecord)
            if (not types or type_of(record.number) in types)
            and (not countries or country_of(record.number) in countries)
            and record.number.startswith(prefix)
        ]

    def _shown(self, record: NumberRecord) -> dict[str, object]:
        members: dict[str, object] = {
            "PhoneNumberId": record.id,
            "PhoneNumberArn": record.arn,
            "PhoneNumber": record.number,
            "PhoneNumberCountryCode": country_of(record.number),
            "PhoneNumberType": type_of(record.number),
            "TargetArn": self._plane.arn,
            "InstanceId": self._plane.instance_id,
        }
        return {**members, "PhoneNumberDescription": record.description} if record.description else members


def _key(record: NumberRecord) -> str:
    return f"{record.number}\n{record.id}"


def country_of(number: str) -> str:
    """By the number's plan; `US` when it is in none."""
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number)) or "US"
    except phonenumbers.NumberParseException:
        return "US"


def type_of(number: str) -> str:
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return "DID"
    return "TOLL_FREE" if kind == phonenumbers.PhoneNumberType.TOLL_FREE else "DID"


def _available(country: str, type_: str, prefix: str) -> Iterator[str]:
    """Numbers like the country's example, with other last digits."""
    kind = phonenumbers.PhoneNumberType.TOLL_FREE if type_ == "TOLL_FREE" else phonenumbers.PhoneNumberType.FIXED_LINE
    example = phonenumbers.example_number_for_type(country, kind) or phonenumbers.example_number(country)
    if example is None:
        return
    base = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    wanted = prefix if prefix.startswith("+") or not prefix else f"+{prefix}"
    if not wanted.startswith(base[: min(len(wanted), 2)]):
        return
    stem = wanted + base[len(wanted) : -3] if len(wanted) <= len(base) - 3 else wanted
    for last in _OFFERED:
        yield f"{stem}{last}"
