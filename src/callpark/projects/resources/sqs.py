"""AWS::SQS::Queue → queues with their attributes.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
"""

from collections.abc import Sequence

import orjson

from callpark.projects.identity import physical_name
from callpark.projects.intrinsics import Identity
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack
from callpark.queues.model import QueueDefinition

QUEUE = "AWS::SQS::Queue"
_LONGEST_NAME = 80
_NUMBERS = (
    "DelaySeconds",
    "KmsDataKeyReusePeriodSeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
)
_TEXTS = (
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
    "KmsMasterKeyId",
    "SqsManagedSseEnabled",
)
_DOCUMENTS = ("RedrivePolicy", "RedriveAllowPolicy")


def queue_identity(resource: Resource, stack: Stack) -> Identity:
    name = _name(resource)
    arn, url = _arn(name, stack), _url(name, stack)
    return Identity(url, {"Arn": arn, "QueueName": name, "QueueUrl": url})


def queues(resources: Sequence[Resource], stack: Stack) -> tuple[QueueDefinition, ...]:
    return tuple(_queue(resource, stack) for resource in resources if resource.type == QUEUE)


def _queue(resource: Resource, stack: Stack) -> QueueDefinition:
    name, properties = _name(resource), resource.properties
    attributes = {"FifoQueue": "true"} if _is_fifo(properties) else {}
    for number in _NUMBERS:
        if (value := properties.integer(number)) is not None:
            attributes[number] = str(value)
    for text in _TEXTS:
        if (given := properties.text(text)) is not None:
            attributes[text] = given
    for document in _DOCUMENTS:
        if (written := _document(properties, document)) is not None:
            attributes[document] = written
    return QueueDefinition(name, _arn(name, stack), _url(name, stack), attributes, _tags(properties))


def _name(resource: Resource) -> str:
    name = resource.properties.text("QueueName")
    if name is not None:
        return name
    suffix = ".fifo" if _is_fifo(resource.properties) else ""
    return physical_name(resource.logical_id, _LONGEST_NAME - len(suffix)) + suffix


def _is_fifo(properties: Properties) -> bool:
    return properties.text("FifoQueue") == "true"


def _arn(name: str, stack: Stack) -> str:
    return stack.home.arn("sqs", name)


def _url(name: str, stack: Stack) -> str:
    return f"{stack.base_url}/{stack.home.account}/{name}"


def _document(properties: Properties, name: str) -> str | None:
    """A policy, written as a mapping or as JSON."""
    value = properties.get(name)
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, dict):
        raise properties.wrong(name, "needs a mapping", "give a mapping")
    return orjson.dumps(value).decode()


def _tags(properties: Properties) -> dict[str, str]:
    return {tag.required("Key"): tag.text("Value") or "" for tag in properties.mappings("Tags")}
