"""AWS::S3::Bucket → CreateBucket, versioning, CORS, notifications.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from collections.abc import Mapping, Sequence

from callpark.projects.identity import physical_name
from callpark.projects.intrinsics import Identity
from callpark.projects.model import ForeignCall
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack

BUCKET = "AWS::S3::Bucket"
_EXISTS = frozenset({"BucketAlreadyOwnedByYou", "BucketAlreadyExists"})
_SHORTEST_NAME = 3

#: (list of the template, list of the API, the template's member for the target, the API's)
_NOTIFIED = (
    ("LambdaConfigurations", "LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
    ("QueueConfigurations", "QueueConfigurations", "Queue", "QueueArn"),
    ("TopicConfigurations", "TopicConfigurations", "Topic", "TopicArn"),
)
#: CORS rules: the template's member → the API's.
_CORS: Mapping[str, str] = {
    "AllowedHeaders": "AllowedHeaders",
    "AllowedMethods": "AllowedMethods",
    "AllowedOrigins": "AllowedOrigins",
    "ExposedHeaders": "ExposeHeaders",
}


def bucket_identity(resource: Resource, stack: Stack) -> Identity:
    name = _name(resource)
    attributes = {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{stack.home.region}.amazonaws.com",
    }
    return Identity(name, attributes, placeholder=name)


def bucket_calls(resource: Resource, stack: Stack) -> Sequence[ForeignCall]:
    properties, bucket = resource.properties, _name(resource)
    properties.without_effect(
        "AccessControl", "BucketEncryption", "OwnershipControls", "PublicAccessBlockConfiguration"
    )
    properties.without_effect("Tags", "BucketName")
    created: dict[str, object] = {"Bucket": bucket}
    if stack.home.region != "us-east-1":
        created["CreateBucketConfiguration"] = {"LocationConstraint": stack.home.region}
    calls = [ForeignCall("s3", "CreateBucket", created, _EXISTS)]
    if (versioning := properties.mapping("VersioningConfiguration")) is not None:
        status = {"Status": versioning.text("Status") or "Suspended"}
        calls.append(_put("PutBucketVersioning", bucket, VersioningConfiguration=status))
    if (cors := properties.mapping("CorsConfiguration")) is not None:
        rules = [_cors_rule(rule) for rule in cors.mappings("CorsRules")]
        calls.append(_put("PutBucketCors", bucket, CORSConfiguration={"CORSRules": rules}))
    if (notified := properties.mapping("NotificationConfiguration")) is not None:
        configuration = _notifications(notified)
        calls.append(_put("PutBucketNotificationConfiguration", bucket, NotificationConfiguration=configuration))
    return calls


def _put(operation: str, bucket: str, **parameters: object) -> ForeignCall:
    return ForeignCall("s3", operation, {"Bucket": bucket, **parameters})


def _name(resource: Resource) -> str:
    """Lower-case, as CloudFormation makes it."""
    given = resource.properties.text("BucketName")
    if given is not None:
        return given
    name = physical_name(resource.logical_id, 63).lower()
    return name if len(name) >= _SHORTEST_NAME else f"{name}-bucket"


def _cors_rule(rule: Properties) -> dict[str, object]:
    members: dict[str, object] = {name: list(found) for key, name in _CORS.items() if (found := rule.texts(key))}
    if (seconds := rule.integer("MaxAge")) is not None:
        members["MaxAgeSeconds"] = seconds
    rule.without_effect("Id")
    return members


def _notifications(notified: Properties) -> dict[str, object]:
    configuration: dict[str, object] = {}
    for written, name, target, arn in _NOTIFIED:
        if found := [_notification(entry, target, arn) for entry in notified.mappings(written)]:
            configuration[name] = found
    if notified.get("EventBridgeConfiguration") is not None:
        configuration["EventBridgeConfiguration"] = {}
    return configuration


def _notification(entry: Properties, target: str, arn: str) -> dict[str, object]:
    members: dict[str, object] = {arn: entry.required(target), "Events": [entry.required("Event")]}
    wanted = entry.mapping("Filter")
    key = wanted.mapping("S3Key") if wanted is not None else None
    if key is not None:
        rules = [{"Name": rule.required("Name"), "Value": rule.text("Value") or ""} for rule in key.mappings("Rules")]
        members["Filter"] = {"Key": {"FilterRules": rules}}
    return members
