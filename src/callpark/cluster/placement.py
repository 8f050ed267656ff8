"""Which node an operation belongs to: pure, a table.

Asked by `forwarding.py` for every call. What is not in the table is done where it comes in: invocations (a function
with a share of its own is looked for by `functions.py` there), GraphQL, evaluations, models.

- Control planes have one owner, so that what they check holds: names, limits, versions.
- A queue belongs with its dead-letter queue: FIFO order is numbered by one node.
- A contact is where its phone, its chat room or its maker is.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import orjson

from callpark.cluster.members import Key

CONTROL: Final[Key] = ("control", "")
LOGS: Final[Key] = ("logs", "")
FLOOR: Final[Key] = CONTROL
"""Who waits in which queue, and for which agent it rings: where queues and users are made and changed."""

SERVICE: Final = "callpark"
"""What only nodes ask of each other."""


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue of a name; its owner is that of its family."""

    name: str


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact, wherever it is."""

    id: str


Placed: TypeAlias = Key | Queue | Contact | None
"""None: here."""

Rule: TypeAlias = Callable[[Mapping[str, object]], Placed]


def queue_key(family: str) -> Key:
    return "queue", family


def function_key(name: str) -> Key:
    """Of a function with a share of the concurrency of its own."""
    return "function", name


def contact_key(contact_id: str) -> Key:
    """Who takes up a contact whose node is gone."""
    return "contact", contact_id


def _control(parameters: Mapping[str, object]) -> Placed:
    return CONTROL


def _logs(parameters: Mapping[str, object]) -> Placed:
    return LOGS


def _by_url(parameters: Mapping[str, object]) -> Placed:
    return Queue(str(parameters.get("QueueUrl", "")).partition("?")[0].rpartition("/")[2])


def _by_source(parameters: Mapping[str, object]) -> Placed:
    return Queue(str(parameters.get("SourceArn", "")).rpartition(":")[2])


def _by_task(parameters: Mapping[str, object]) -> Placed:
    """A task's handle names its source; what is no handle is refused here."""
    try:
        values = orjson.loads(base64.b64decode(str(parameters.get("TaskHandle", "")), validate=True))
    except (binascii.Error, ValueError):
        return None
    return _by_source({"SourceArn": values.get("sourceArn", "")}) if isinstance(values, dict) else None


def _by_contact(parameters: Mapping[str, object]) -> Placed:
    found = parameters.get("ContactId") or parameters.get("InitialContactId")
    return Contact(found) if isinstance(found, str) else None


_RULES: Final[Mapping[str, tuple[Rule, Mapping[str, Rule | None]]]] = {
    "lambda": (_control, dict.fromkeys(("Invoke", "InvokeAsync", "InvokeWithResponseStream"))),
    "appsync": (_control, dict.fromkeys(("EvaluateCode", "EvaluateMappingTemplate"))),
    "sqs": (
        _control,
        {
            **dict.fromkeys(
                (
                    "SendMessage",
                    "SendMessageBatch",
                    "ReceiveMessage",
                    "DeleteMessage",
                    "DeleteMessageBatch",
                    "ChangeMessageVisibility",
                    "ChangeMessageVisibilityBatch",
                    "GetQueueAttributes",
                ),
                _by_url,
            ),
            "StartMessageMoveTask": _by_source,
            "ListMessageMoveTasks": _by_source,
            "CancelMessageMoveTask": _by_task,
        },
    ),
    "connect": (
        _control,
        {
            **dict.fromkeys(
                (
                    "CreateParticipant",
                    "CreatePersistentContactAssociation",
                    "DescribeContact",
                    "GetContactAttributes",
                    "ListContactReferences",
                    "StartContactStreaming",
                    "StopContact",
                    "StopContactStreaming",
                    "TagContact",
                    "TransferContact",
                    "UntagContact",
                    "UpdateContact",
                    "UpdateContactAttributes",
                    "UpdateContactSchedule",
                ),
                _by_contact,
            ),
            **dict.fromkeys(
                (
                    "SearchContacts",
                    "StartChatContact",
                    "StartOutboundVoiceContact",
                    "StartTaskContact",
                )
            ),
        },
    ),
    "logs": (_logs, {}),
}

#: Of what only nodes ask of each other; the rest says where it belongs when it is asked.
_OF_NODES: Final[Mapping[str, Rule]] = dict.fromkeys(
    ("OfferContact", "CarryOutOrder", "SetContactAttributes"), _by_contact
)


def rule(service: str, operation: str, participant: Rule) -> Rule | None:
    """How an operation's place is found; None for what is always done here. `participant` is that of the participant
    service, whose tokens name the contact."""
    if service == "connectparticipant":
        return participant
    if service == SERVICE:
        return _OF_NODES.get(operation)
    found = _RULES.get(service)
    if found is None:
        return None
    general, special = found
    return special.get(operation, general)


_READING: Final = ("Describe", "Get", "List", "Search")


def changes(service: str, operation: str) -> bool:
    """Whether an operation changes what every node has to know."""
    general, special = _RULES.get(service, (None, {}))
    return special.get(operation, general) is _control and not operation.startswith(_READING)
