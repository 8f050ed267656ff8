"""AWS::SQS::Queue → queues. They are declared and referred to; nothing serves them yet, and one warning says so.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html
"""

from collections.abc import Sequence

from callpark.projects.identity import physical_name
from callpark.projects.intrinsics import Identity
from callpark.projects.model import QueueDefinition
from callpark.projects.resources.stack import Resource, Stack

QUEUE = "AWS::SQS::Queue"
_LONGEST_NAME = 80


def queue_identity(resource: Resource, stack: Stack) -> Identity:
    queue = _queue(resource, stack)
    return Identity(queue.url, {"Arn": queue.arn, "QueueName": queue.name, "QueueUrl": queue.url})


def _queue(resource: Resource, stack: Stack) -> QueueDefinition:
    properties = resource.properties
    fifo = properties.text("FifoQueue") == "true"
    name = properties.text("QueueName")
    if name is None:
        suffix = ".fifo" if fifo else ""
        name = physical_name(resource.logical_id, _LONGEST_NAME - len(suffix)) + suffix
    url = f"{stack.base_url}/{stack.home.account}/{name}"
    return QueueDefinition(name, stack.home.arn("sqs", name), url)


def queues(resources: Sequence[Resource], stack: Stack) -> tuple[QueueDefinition, ...]:
    declared = [resource for resource in resources if resource.type == QUEUE]
    for resource in declared:
        resource.properties.without_effect(*resource.properties.values)
    if declared:
        names = ", ".join(resource.logical_id for resource in declared)
        stack.warn(declared[0].place, f"{QUEUE}: queues are declared, but not served yet ({names})")
    return tuple(_queue(resource, stack) for resource in declared)
