"""The MD5 digests that SDKs check on every message. Pure; called by `api/`.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
"""

import hashlib
import struct
from collections.abc import Mapping

from callpark.queues.model import MessageAttribute

_STRING, _BINARY = b"\x01", b"\x02"


def body_digest(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def attributes_digest(attributes: Mapping[str, MessageAttribute]) -> str:
    """By name: length and name, length and data type, one byte for string or binary, length and value."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        value = attribute.binary if attribute.binary is not None else (attribute.text or "").encode()
        digest.update(_measured(name.encode()))
        digest.update(_measured(attribute.data_type.encode()))
        digest.update(_STRING if attribute.binary is None else _BINARY)
        digest.update(_measured(value))
    return digest.hexdigest()


def _measured(data: bytes) -> bytes:
    return struct.pack("!I", len(data)) + data
