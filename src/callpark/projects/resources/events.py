"""AWS::Events::EventBus, AWS::Events::Rule → CreateEventBus, PutRule, PutTargets.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
"""

from collections.abc import Sequence

import orjson

from callpark.projects.document import Value
from callpark.projects.identity import physical_name
from callpark.projects.intrinsics import Identity
from callpark.projects.model import ForeignCall
from callpark.projects.resources.stack import Resource, Stack

BUS = "AWS::Events::EventBus"
RULE = "AWS::Events::Rule"
_EXISTS = frozenset({"ResourceAlreadyExistsException"})


def bus_identity(resource: Resource, stack: Stack) -> Identity:
    name = resource.properties.text("Name") or physical_name(resource.logical_id, 256)
    arn = stack.home.arn("events", f"event-bus/{name}")
    return Identity(name, {"Arn": arn, "Name": name}, placeholder=name)


def bus_calls(resource: Resource, stack: Stack) -> Sequence[ForeignCall]:
    resource.properties.without_effect("Tags", "Description", "KmsKeyIdentifier", "LogConfig")
    name = bus_identity(resource, stack).ref
    return [ForeignCall("events", "CreateEventBus", {"Name": name}, _EXISTS)]


def rule_identity(resource: Resource, stack: Stack) -> Identity:
    name, bus = _rule_name(resource), _bus(resource)
    path = name if bus is None else f"{bus}/{name}"
    return Identity(name, {"Arn": stack.home.arn("events", f"rule/{path}")}, placeholder=name)


def rule_calls(resource: Resource, stack: Stack) -> Sequence[ForeignCall]:
    properties, bus = resource.properties, _bus(resource)
    properties.without_effect("RoleArn", "Tags")
    where: dict[str, object] = {} if bus is None else {"EventBusName": bus}
    rule: dict[str, object] = {"Name": _rule_name(resource), "State": properties.text("State") or "ENABLED", **where}
    for key in ("Description", "ScheduleExpression"):
        if (text := properties.text(key)) is not None:
            rule[key] = text
    if "ScheduleExpression" in rule:
        stack.warn((*properties.place, "ScheduleExpression"), f"{RULE}: schedules do not fire")
    if (pattern := properties.get("EventPattern")) is not None:
        rule["EventPattern"] = pattern if isinstance(pattern, str) else orjson.dumps(pattern).decode()
    calls = [ForeignCall("events", "PutRule", rule)]
    targets = _mappings(properties.get("Targets"))
    if targets:
        calls.append(ForeignCall("events", "PutTargets", {"Rule": rule["Name"], "Targets": targets, **where}))
    return calls


def _mappings(value: Value) -> list[object]:
    """Targets are called the same in the template and in the API."""
    return [target for target in value if isinstance(target, dict)] if isinstance(value, list) else []


def _rule_name(resource: Resource) -> str:
    return resource.properties.text("Name") or physical_name(resource.logical_id, 64)


def _bus(resource: Resource) -> str | None:
    """A bus by its name, also when its ARN is given."""
    given = resource.properties.text("EventBusName")
    return None if given in (None, "default") else str(given).rpartition("event-bus/")[2]
