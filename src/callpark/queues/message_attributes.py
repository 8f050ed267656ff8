"""Message attributes as a sender gives them: checked, typed, measured. Pure; called by `submissions.py`.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from callpark.kernel.limits import SqsLimits
from callpark.queues import refusals
from callpark.queues.model import MessageAttribute

#: What a message may consist of (API_SendMessage): what XML 1.0 can say.
FOREIGN = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_NAME = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_TYPE = re.compile(r"(String|Number|Binary)(\.[A-Za-z0-9_.-]*)?", re.ASCII)
_TRACE_HEADER = "AWSTraceHeader"


def read(given: Mapping[str, object], limits: SqsLimits) -> dict[str, MessageAttribute]:
    """Message attributes by name. Raises CallerError."""
    if len(given) > limits.message_attributes:
        raise refusals.invalid_parameter(
            f"Number of message attributes [{len(given)}] exceeds the allowed maximum [{limits.message_attributes}]."
        )
    return {name: _attribute(_checked_name(name, limits), value, limits) for name, value in given.items()}


def read_trace_header(given: Mapping[str, object], limits: SqsLimits) -> str | None:
    """The one message system attribute there is. Raises CallerError."""
    for name in given:
        if name != _TRACE_HEADER:
            raise refusals.invalid_parameter(f"Message system attribute name '{name[:256]}' is invalid.")
    if _TRACE_HEADER not in given:
        return None
    attribute = _attribute(_TRACE_HEADER, given[_TRACE_HEADER], limits)
    if attribute.data_type != "String":
        raise refusals.invalid_parameter(f"The message system attribute '{_TRACE_HEADER}' must be of type 'String'.")
    return attribute.text


def size(attributes: Mapping[str, MessageAttribute]) -> int:
    """Bytes that count towards the size of the message: names, types and values."""
    return sum(
        len(name.encode())
        + len(attribute.data_type.encode())
        + (len(attribute.binary) if attribute.binary is not None else len((attribute.text or "").encode()))
        for name, attribute in attributes.items()
    )


def selected(attributes: Mapping[str, MessageAttribute], wanted: frozenset[str]) -> dict[str, MessageAttribute]:
    """Those a receiver asked for: by name, `prefix.*`, `All` or `.*`."""
    if not wanted or not attributes:
        return {}
    if "All" in wanted or ".*" in wanted:
        return dict(attributes)
    prefixes = tuple(name[:-2] for name in wanted if name.endswith(".*"))
    return {
        name: value for name, value in attributes.items() if name in wanted or (prefixes and name.startswith(prefixes))
    }


def _checked_name(name: str, limits: SqsLimits) -> str:
    if len(name) > limits.attribute_name_characters:
        longest = limits.attribute_name_characters
        raise refusals.invalid_parameter(f"Length of message attribute name must be less than {longest} bytes.")
    reserved = name.lower().startswith(("aws.", "amazon."))
    if _NAME.fullmatch(name) is None or name.startswith(".") or name.endswith(".") or ".." in name or reserved:
        raise refusals.invalid_parameter(
            f"The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, "
            "underscore (_), hyphen (-), and period (.) characters."
        )
    return name


def _attribute(name: str, value: object, limits: SqsLimits) -> MessageAttribute:
    members: Mapping[str, object] = value if isinstance(value, Mapping) else {}
    if members.get("StringListValues") or members.get("BinaryListValues"):
        raise refusals.unsupported("Message attribute list values in SendMessage operation are not supported.")
    data_type = members.get("DataType")
    if not isinstance(data_type, str) or not data_type:
        raise refusals.invalid_parameter(f"The message attribute '{name}' must contain a non-empty data type.")
    found = _TYPE.fullmatch(data_type)
    if found is None or len(data_type) > limits.attribute_name_characters:
        raise refusals.invalid_parameter(
            f"The message attribute '{name}' has an invalid message attribute type, "
            "the set of supported type prefixes is Binary, Number, and String."
        )
    if found[1] == "Binary":
        return MessageAttribute(data_type, binary=_binary(name, data_type, members))
    return MessageAttribute(data_type, text=_text(name, data_type, members))


def _binary(name: str, data_type: str, members: Mapping[str, object]) -> bytes:
    binary = members.get("BinaryValue")
    if isinstance(binary, bytes) and binary:
        return binary
    raise _empty(name, data_type)


def _text(name: str, data_type: str, members: Mapping[str, object]) -> str:
    text = members.get("StringValue")
    if not isinstance(text, str) or not text:
        raise _empty(name, data_type)
    if FOREIGN.search(text):
        raise refusals.invalid_characters()
    if data_type.startswith("Number") and not _is_number(text):
        raise refusals.invalid_parameter(f"Can't cast the value of message (user) attribute '{name}' to a number.")
    return text


def _is_number(text: str) -> bool:
    try:
        return len(text) <= 512 and Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _empty(name: str, data_type: str) -> Exception:
    return refusals.invalid_parameter(
        f"Message (user) attribute '{name}' must contain a non-empty value of type '{data_type}'."
    )
