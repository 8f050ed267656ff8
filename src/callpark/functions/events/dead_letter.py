"""Dead-letter queues: the event as it was, with three attributes that say why it is there. Pure.

Called by `events/endings.py` when an event is discarded; independent of destinations, both are sent.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html; attributes as recorded
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from callpark.functions.events.destinations import Response, Undeliverable
from callpark.functions.events.messages import MessageQueues
from callpark.kernel.arn import Arn
from callpark.kernel.errors import CallerError
from callpark.store.ports import Change

#: Bytes of the error message that the attribute holds.
_MESSAGE_BYTES = 1_024

_FUNCTION_ERROR, _NEVER_RAN = "200", "429"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message whose `changes` belong into the commit that ends the event."""

    changes: Sequence[Change]
    message_id: str


class _ErrorObject(msgspec.Struct):
    errorMessage: str = ""


def dead_letter(
    payload: bytes,
    target: str,
    *,
    request_id: str,
    response: Response | None,
    trace_header: str | None,
    queues: MessageQueues,
) -> DeadLetter | Undeliverable:
    """How a discarded event reaches its dead-letter queue: the caller's bytes, untouched."""
    arn = Arn.parse(target)
    if arn is None or arn.service != "sqs":
        return Undeliverable(
            f"dead-letter targets of {'an unknown kind' if arn is None else arn.service} are not served"
        )
    try:
        message_id, changes = queues.message(target, payload.decode(), attributes(request_id, response), trace_header)
    except CallerError as refusal:
        return Undeliverable(refusal.message)
    return DeadLetter(changes, message_id)


def attributes(request_id: str, response: Response | None) -> Mapping[str, tuple[str, str]]:
    """`ErrorCode` is the HTTP status: 200 for a function error, 429 when the function never ran (our rule)."""
    found = {
        "RequestID": ("String", request_id),
        "ErrorCode": ("Number", _NEVER_RAN if response is None else _FUNCTION_ERROR),
    }
    if message := _message(response):
        found["ErrorMessage"] = ("String", message)
    return found


def _message(response: Response | None) -> str:
    """The first 1 KB of the error's message, cut between characters; SQS refuses an empty attribute."""
    if response is None:
        return "Rate Exceeded."
    try:
        text = msgspec.json.decode(response.payload, type=_ErrorObject).errorMessage
    except msgspec.MsgspecError:
        return ""
    return text.encode()[:_MESSAGE_BYTES].decode(errors="ignore")
