"""AWS::SNS::Topic, AWS::SNS::Subscription → CreateTopic, Subscribe.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sns-topic.html
"""

from collections.abc import Sequence

import orjson

from callpark.projects.identity import physical_name, uuid_of
from callpark.projects.intrinsics import Identity
from callpark.projects.model import ForeignCall
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack

TOPIC = "AWS::SNS::Topic"
SUBSCRIPTION = "AWS::SNS::Subscription"
_LONGEST_NAME = 256
_TOPIC_ATTRIBUTES = ("ContentBasedDeduplication", "DisplayName", "FifoTopic")
_DOCUMENTS = ("FilterPolicy", "RedrivePolicy", "DeliveryPolicy")
_TEXTS = ("FilterPolicyScope", "RawMessageDelivery")


def topic_identity(resource: Resource, stack: Stack) -> Identity:
    name = _name(resource)
    arn = stack.home.arn("sns", name)
    return Identity(arn, {"TopicArn": arn, "TopicName": name}, placeholder=name)


def topic_calls(resource: Resource, stack: Stack) -> Sequence[ForeignCall]:
    properties, name = resource.properties, _name(resource)
    properties.without_effect("KmsMasterKeyId", "Tags", "SignatureVersion", "TracingConfig", "TopicName")
    attributes = {key: text for key in _TOPIC_ATTRIBUTES if (text := properties.text(key)) is not None}
    arn = stack.home.arn("sns", name)
    calls = [ForeignCall("sns", "CreateTopic", {"Name": name, "Attributes": attributes})]
    return [*calls, *(_subscribe(arn, subscription) for subscription in properties.mappings("Subscription"))]


def subscription_identity(resource: Resource, stack: Stack) -> Identity:
    topic = resource.properties.required("TopicArn")
    arn = f"{topic}:{uuid_of(stack.project, SUBSCRIPTION, resource.logical_id)}"
    return Identity(arn, {"Arn": arn}, placeholder=arn)


def subscription_calls(resource: Resource, stack: Stack) -> Sequence[ForeignCall]:
    resource.properties.without_effect("Region", "SubscriptionRoleArn")
    return [_subscribe(resource.properties.required("TopicArn"), resource.properties)]


def _subscribe(topic_arn: str, properties: Properties) -> ForeignCall:
    attributes = {key: text for key in _TEXTS if (text := properties.text(key)) is not None}
    for key in _DOCUMENTS:
        if (value := properties.get(key)) is not None:
            attributes[key] = value if isinstance(value, str) else orjson.dumps(value).decode()
    parameters = {
        "TopicArn": topic_arn,
        "Protocol": properties.required("Protocol"),
        "Endpoint": properties.required("Endpoint"),
        "Attributes": attributes,
        "ReturnSubscriptionArn": True,
    }
    return ForeignCall("sns", "Subscribe", parameters)


def _name(resource: Resource) -> str:
    name = resource.properties.text("TopicName")
    if name is not None:
        return name
    suffix = ".fifo" if resource.properties.text("FifoTopic") == "true" else ""
    return physical_name(resource.logical_id, _LONGEST_NAME - len(suffix)) + suffix
