"""AWS::DynamoDB::Table (also SAM's SimpleTable) → CreateTable, UpdateTimeToLive.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
"""

from collections.abc import Mapping, Sequence

from callpark.projects.document import Value
from callpark.projects.identity import physical_name
from callpark.projects.intrinsics import Identity
from callpark.projects.model import ForeignCall
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack

TABLE = "AWS::DynamoDB::Table"
_EXISTS = frozenset({"ResourceInUseException"})
_INDEX_MEMBERS = ("IndexName", "KeySchema", "Projection")


def table_identity(resource: Resource, stack: Stack) -> Identity:
    name = _name(resource)
    return Identity(name, {"Arn": stack.home.arn("dynamodb", f"table/{name}")}, placeholder=name)


def table_calls(resource: Resource, stack: Stack) -> Sequence[ForeignCall]:
    properties, name = resource.properties, _name(resource)
    properties.without_effect("SSESpecification", "PointInTimeRecoverySpecification", "DeletionProtectionEnabled")
    properties.without_effect("TableClass", "Tags")
    throughput = _throughput(properties)
    table: dict[str, object] = {
        "TableName": name,
        "AttributeDefinitions": properties.get("AttributeDefinitions") or [],
        "KeySchema": properties.get("KeySchema") or [],
        "BillingMode": "PAY_PER_REQUEST" if throughput is None else "PROVISIONED",
    }
    properties.without_effect("BillingMode")
    if throughput is not None:
        table["ProvisionedThroughput"] = throughput
    for indexes in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if found := [_index(index, throughput, indexes) for index in properties.mappings(indexes)]:
            table[indexes] = found
    if (stream := properties.mapping("StreamSpecification")) is not None:
        table["StreamSpecification"] = {
            "StreamEnabled": True,
            "StreamViewType": stream.text("StreamViewType") or "NEW_AND_OLD_IMAGES",
        }
    calls = [ForeignCall("dynamodb", "CreateTable", table, _EXISTS)]
    if (expiry := properties.mapping("TimeToLiveSpecification")) is not None:
        specification = {
            "AttributeName": expiry.required("AttributeName"),
            "Enabled": expiry.text("Enabled") != "false",
        }
        given: dict[str, object] = {"TableName": name, "TimeToLiveSpecification": specification}
        calls.append(ForeignCall("dynamodb", "UpdateTimeToLive", given, frozenset({"ValidationException"})))
    return calls


def _name(resource: Resource) -> str:
    return resource.properties.text("TableName") or physical_name(resource.logical_id, 255)


def _index(index: Properties, throughput: Mapping[str, object] | None, kind: str) -> dict[str, object]:
    members: dict[str, object] = {name: value for name in _INDEX_MEMBERS if (value := _given(index, name)) is not None}
    if kind == "GlobalSecondaryIndexes" and throughput is not None:
        members["ProvisionedThroughput"] = _throughput(index) or throughput
    index.without_effect("ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput")
    return members


def _given(properties: Properties, name: str) -> Value:
    return properties.get(name)


def _throughput(properties: Properties) -> dict[str, object] | None:
    found = properties.mapping("ProvisionedThroughput")
    if found is None or properties.text("BillingMode") == "PAY_PER_REQUEST":
        return None
    return {name: found.integer(name) or 1 for name in ("ReadCapacityUnits", "WriteCapacityUnits")}
