"""The names that SQS's query protocol used and its JSON model no longer tells.

Called by `query.py`. Facts of the 2012-11-05 API:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LegacyNames:
    """Per member: its name in forms and XML, and the names of key and value of its map entries."""

    members: Mapping[str, str] = field(default_factory=dict)
    entries: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def member(self, name: str) -> str | None:
        """None where the model's own name holds. Batch entries have nested attributes under the same old names."""
        return self.members.get(name)

    def entry(self, name: str) -> tuple[str, str] | None:
        return self.entries.get(name)


_NONE = LegacyNames()

_SQS_MEMBERS: Mapping[str, str] = {
    "AWSAccountIds": "AWSAccountId",
    "Actions": "ActionName",
    "AttributeNames": "AttributeName",
    "Attributes": "Attribute",
    "MessageAttributeNames": "MessageAttributeName",
    "MessageAttributes": "MessageAttribute",
    "MessageSystemAttributeNames": "MessageSystemAttributeName",
    "MessageSystemAttributes": "MessageSystemAttribute",
    "Messages": "Message",
    "QueueUrls": "QueueUrl",
    "queueUrls": "QueueUrl",
    "Failed": "BatchResultErrorEntry",
    "TagKeys": "TagKey",
    "Tags": "Tag",
    "tags": "Tag",
}

_SQS_ENTRIES: Mapping[str, tuple[str, str]] = {
    "Attributes": ("Name", "Value"),
    "MessageAttributes": ("Name", "Value"),
    "MessageSystemAttributes": ("Name", "Value"),
    "Tags": ("Key", "Value"),
    "tags": ("Key", "Value"),
}


def legacy_names(service: str, operation: str) -> LegacyNames:
    """The old names for one operation; batches name their entries after themselves."""
    if service != "sqs":
        return _NONE
    batch = {"Entries": f"{operation}RequestEntry", "Successful": f"{operation}ResultEntry"}
    return LegacyNames({**_SQS_MEMBERS, **batch}, _SQS_ENTRIES)
