"""A message as a function sees it: `Records[n]` of an SQS event. Pure; called by `poller.py`.

Members in the order in which AWS sends them.
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
"""

import base64
from collections.abc import Mapping

from callpark.functions.sources.ports import SourceAttribute, SourceMessage

_FIRST = ("ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp")


def record(message: SourceMessage, queue_arn: str, region: str, window_seconds: int) -> dict[str, object]:
    """Without attributes their digest is absent, or null in mappings with a window, as recorded."""
    given = message.attributes
    members: dict[str, object] = {
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": {
            **{name: given[name] for name in _FIRST if name in given},
            **{name: text for name, text in given.items() if name not in _FIRST},
        },
        "messageAttributes": {name: _attribute(value) for name, value in message.message_attributes.items()},
    }
    if message.attributes_digest is not None or window_seconds:
        members["md5OfMessageAttributes"] = message.attributes_digest
    return members | {
        "md5OfBody": message.body_digest,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }


def _attribute(attribute: SourceAttribute) -> Mapping[str, object]:
    if attribute.binary is not None:
        value: dict[str, object] = {"binaryValue": base64.b64encode(attribute.binary).decode()}
    else:
        value = {"stringValue": attribute.text or ""}
    return {**value, "stringListValues": [], "binaryListValues": [], "dataType": attribute.data_type}
