"""What references see of a contact: one row per namespace. Pure; called through `Turn.namespace`.

https://docs.aws.amazon.com/connect/latest/adminguide/connect-attrib-list.html
"""

from collections.abc import Callable, Mapping

from callpark.flows.contact import Memory, Party

SUBTYPE = {"VOICE": "connect:Telephony", "CHAT": "connect:Chat", "TASK": "connect:Task", "EMAIL": "connect:Email"}


def _endpoint(address: str | None) -> Mapping[str, object] | None:
    return None if address is None else {"Address": address, "Type": "TELEPHONE_NUMBER", "DisplayName": None}


NAMESPACES: Mapping[str, Callable[[Party, Memory], object]] = {
    "Attributes": lambda party, memory: memory.attributes,
    "FlowAttributes": lambda party, memory: memory.flow_attributes,
    "External": lambda party, memory: memory.external,
    "LambdaInvocation": lambda party, memory: {"InvocationId": memory.invocation_id, "ResultData": memory.external},
    "StoredCustomerInput": lambda party, memory: memory.stored_input,
    "CustomerEndpoint": lambda party, memory: _endpoint(party.caller),
    "SystemEndpoint": lambda party, memory: _endpoint(party.number),
    "ContactId": lambda party, memory: party.contact_id,
    "InitialContactId": lambda party, memory: party.contact_id,
    "PreviousContactId": lambda party, memory: party.contact_id,
    "RelatedContactId": lambda party, memory: None,
    "Channel": lambda party, memory: party.channel,
    "InstanceARN": lambda party, memory: party.instance_arn,
    "InitiationMethod": lambda party, memory: party.initiation_method,
    "LanguageCode": lambda party, memory: party.language_code,
    "AwsRegion": lambda party, memory: party.region,
    "TextToSpeechVoiceId": lambda party, memory: memory.voice.name,
    "SegmentAttributes": lambda party, memory: {"connect:Subtype": SUBTYPE[party.channel]},
}
"""By name; what is not here holds nothing."""

SINGLE_VALUES = frozenset(
    (
        *("AwsRegion", "Channel", "ContactId", "CustomerId", "Description", "InitialContactId", "InitiationMethod"),
        *("InstanceARN", "LanguageCode", "Name", "PreviousContactId", "RelatedContactId", "StoredCustomerInput"),
        "TextToSpeechVoiceId",
    )
)
"""Namespaces that are a value by themselves; all others are maps."""

UNFILLED = frozenset(
    (
        *("AdditionalEmailRecipients", "Agent", "Capabilities", "Case", "Customer", "CustomerId", "DataTableList"),
        *("DataTables", "Description", "Email", "Lex", "Loop", "Media", "MediaStreams", "Metrics", "Modules", "Name"),
        *("Queue", "References", "Tags", "Task", "Views", "Wisdom"),
    )
)
"""Namespaces of Connect that nothing in callpark fills yet; validation names them."""


def contact_data(party: Party, memory: Memory) -> Mapping[str, object]:
    """`ContactData` of the event a function gets.

    https://docs.aws.amazon.com/connect/latest/adminguide/connect-lambda-functions.html
    """
    return {
        "Attributes": memory.attributes,
        "AwsRegion": party.region,
        "Channel": party.channel,
        "ContactId": party.contact_id,
        "CustomerEndpoint": _event_endpoint(party.caller),
        "CustomerId": None,
        "Description": None,
        "InitialContactId": party.contact_id,
        "InitiationMethod": party.initiation_method,
        "InstanceARN": party.instance_arn,
        "LanguageCode": party.language_code,
        "MediaStreams": {"Customer": {"Audio": None}},
        "Name": None,
        "PreviousContactId": party.contact_id,
        "Queue": None,
        "References": {},
        "RelatedContactId": None,
        "SegmentAttributes": {"connect:Subtype": {"ValueString": SUBTYPE[party.channel]}},
        "SystemEndpoint": _event_endpoint(party.number),
        "Tags": {},
    }


def _event_endpoint(address: str | None) -> Mapping[str, str] | None:
    return None if address is None else {"Address": address, "Type": "TELEPHONE_NUMBER"}
