"""What references see of a contact: one row per namespace. Pure; called through `Turn.namespace`.

https://docs.aws.amazon.com/connect/latest/adminguide/connect-attrib-list.html
"""

from collections.abc import Callable, Mapping
from uuid import UUID, uuid5

from callpark.flows.contact import Memory, Party, Target

SUBTYPE = {"VOICE": "connect:Telephony", "CHAT": "connect:Chat", "TASK": "connect:Task", "EMAIL": "connect:Email"}
DIRECTION = {"INBOUND": "INBOUND", "OUTBOUND": "OUTBOUND", "CALLBACK": "OUTBOUND", "API": "INBOUND"}


def _endpoint(address: str | None) -> Mapping[str, object] | None:
    return None if address is None else {"Address": address, "Type": "TELEPHONE_NUMBER", "DisplayName": None}


def _segment_id(party: Party, number: int) -> str:
    """The id of a contact segment: a queue-to-queue transfer begins a new one."""
    return party.contact_id if number <= 0 else str(uuid5(UUID(party.contact_id), f"segment {number}"))


def _queue(target: Target | None) -> Mapping[str, object] | None:
    if target is None:
        return None
    return {"Name": target.name, "ARN": target.arn, "OutboundCallerId": _event_endpoint(target.caller_id)}


def subtype(party: Party) -> str:
    return party.subtype or SUBTYPE[party.channel]


def segment_attributes(party: Party) -> Mapping[str, object]:
    return {"connect:Subtype": subtype(party), "connect:Direction": DIRECTION.get(party.initiation_method)}


NAMESPACES: Mapping[str, Callable[[Party, Memory], object]] = {
    "Attributes": lambda party, memory: memory.attributes,
    "FlowAttributes": lambda party, memory: memory.flow_attributes,
    "External": lambda party, memory: memory.external,
    "LambdaInvocation": lambda party, memory: {"InvocationId": memory.invocation_id, "ResultData": memory.external},
    "StoredCustomerInput": lambda party, memory: memory.stored_input,
    "CustomerEndpoint": lambda party, memory: _endpoint(party.caller),
    "SystemEndpoint": lambda party, memory: _endpoint(party.number),
    "ContactId": lambda party, memory: _segment_id(party, memory.record.segments),
    "InitialContactId": lambda party, memory: party.initial_contact_id or party.contact_id,
    "PreviousContactId": lambda party, memory: _segment_id(party, memory.record.segments - 1),
    "RelatedContactId": lambda party, memory: party.related_contact_id,
    "Channel": lambda party, memory: party.channel,
    "InstanceARN": lambda party, memory: party.instance_arn,
    "InitiationMethod": lambda party, memory: party.initiation_method,
    "LanguageCode": lambda party, memory: memory.record.language_code or party.language_code,
    "AwsRegion": lambda party, memory: party.region,
    "TextToSpeechVoiceId": lambda party, memory: memory.voice.name,
    "SegmentAttributes": lambda party, memory: segment_attributes(party),
    "Name": lambda party, memory: memory.record.name,
    "Description": lambda party, memory: memory.record.description,
    "CustomerId": lambda party, memory: memory.record.customer_id,
    "Tags": lambda party, memory: memory.record.tags,
    "References": lambda party, memory: memory.record.references,
    "Queue": lambda party, memory: _queue(memory.record.target),
    "Loop": lambda party, memory: memory.loops,
    "Modules": lambda party, memory: {**_object(memory.found.get("Modules")), "Input": memory.module_input},
}
"""By name; beside them there are FILLED and UNFILLED."""

SINGLE_VALUES = frozenset(
    (
        *("AwsRegion", "Channel", "ContactId", "CustomerId", "Description", "InitialContactId", "InitiationMethod"),
        *("InstanceARN", "LanguageCode", "Name", "PreviousContactId", "RelatedContactId", "StoredCustomerInput"),
        "TextToSpeechVoiceId",
    )
)
"""Namespaces that are a value by themselves; all others are maps."""

FILLED = frozenset(
    (
        *("Agent", "Case", "Customer", "DataTables", "DataTableList", "Lex", "Media", "MediaStreams", "Metrics"),
        *("Task", "Views", "Wisdom"),
    )
)
"""Namespaces that an action fills as a whole, kept in `Memory.found`; they hold nothing before."""

UNFILLED = frozenset(("AdditionalEmailRecipients", "AgenticCX", "Capabilities", "Email"))
"""Namespaces of Connect that nothing in callpark fills yet; validation names them."""


def contact_data(party: Party, memory: Memory) -> Mapping[str, object]:
    """`ContactData` of the event a function gets.

    https://docs.aws.amazon.com/connect/latest/adminguide/connect-lambda-functions.html
    """
    record = memory.record
    streams = memory.found.get("MediaStreams")
    return {
        "Attributes": memory.attributes,
        "AwsRegion": party.region,
        "Channel": party.channel,
        "ContactId": _segment_id(party, record.segments),
        "CustomerEndpoint": _event_endpoint(party.caller),
        "CustomerId": record.customer_id,
        "Description": record.description,
        "InitialContactId": party.initial_contact_id or party.contact_id,
        "InitiationMethod": party.initiation_method,
        "InstanceARN": party.instance_arn,
        "LanguageCode": record.language_code or party.language_code,
        "MediaStreams": {"Customer": {"Audio": None}} if streams is None else streams,
        "Name": record.name,
        "PreviousContactId": _segment_id(party, record.segments - 1),
        "Queue": _queue(record.target),
        "References": record.references,
        "RelatedContactId": party.related_contact_id,
        "SegmentAttributes": {"connect:Subtype": {"ValueString": subtype(party)}},
        "SystemEndpoint": _event_endpoint(party.number),
        "Tags": record.tags,
    }


def _event_endpoint(address: str | None) -> Mapping[str, str] | None:
    return None if address is None else {"Address": address, "Type": "TELEPHONE_NUMBER"}


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
