"""Receipt handles: opaque to the caller, to us the queue, the message and one receive of it. Pure.

A handle made up by somebody is refused unless it has our form; with our form it does nothing, because the third part is
kept with the message and changes with each receive.
"""

import base64
import binascii
from dataclasses import dataclass

from callpark.queues import refusals

_LONGEST = 1_024


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receive of one message."""

    message_id: str
    nonce: str


def encode(queue_arn: str, receipt: Receipt) -> str:
    return base64.b64encode(f"{receipt.nonce} {queue_arn} {receipt.message_id}".encode()).decode()


def decode(handle: str, queue_arn: str) -> Receipt:
    """Raises CallerError for what is no handle of this queue."""
    if not handle:
        raise refusals.missing("ReceiptHandle")
    try:
        text = base64.b64decode(handle, validate=True).decode("ascii") if len(handle) <= _LONGEST else ""
        nonce, arn, message_id = text.split(" ")
    except (binascii.Error, ValueError):
        raise refusals.invalid_handle(handle) from None
    if arn != queue_arn or not nonce or not message_id:
        raise refusals.invalid_handle(handle)
    return Receipt(message_id, nonce)
