"""Dead-letter queues: the event as it was, with three attributes that say why it is there. Pure.

Called by `events/endings.py` when an event is discarded; independent of destinations, both are sent.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html; attributes as recorded
"""

from collections.abc import Mapping, Sequence

import msgspec

from callpark.functions.events import remote
from callpark.functions.events.destinations import Response, Undeliverable
from callpark.functions.events.messages import MessageQueues
from callpark.functions.events.remote import Parcel
from callpark.kernel.arn import Arn
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import LambdaLimits
from callpark.store.ports import Change

#: Bytes of the error message that the attribute holds.
_MESSAGE_BYTES = 1_024

_FUNCTION_ERROR, _NEVER_RAN = "200", "429"


class DeadLetter(msgspec.Struct, frozen=True):
    """A message whose `changes` belong into the commit that ends the event; its id is None while it is only on its way
    (`deliveries.py`)."""

    changes: Sequence[Change]
    message_id: str | None


class _ErrorObject(msgspec.Struct):
    errorMessage: str = ""


def dead_letter(
    payload: bytes,
    target: str,
    *,
    request_id: str,
    response: Response | None,
    trace_header: str | None,
    function: str,
    function_arn: str,
    now: float,
    limits: LambdaLimits,
    queues: MessageQueues,
) -> DeadLetter | Undeliverable:
    """How a discarded event reaches its dead-letter queue or topic: the caller's bytes, untouched."""
    arn = Arn.parse(target)
    if arn is None:
        return Undeliverable("dead-letter targets of an unknown kind are not served")
    if arn.service != "sqs":
        if (refusal := remote.refusal(arn, "DeadLetter", len(payload), limits)) is not None:
            return Undeliverable(refusal)
        parcel = Parcel("DeadLetter", target, request_id, function, function_arn, now, attributes(request_id, response))
        return DeadLetter((remote.sent(parcel, payload, now),), None)
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
