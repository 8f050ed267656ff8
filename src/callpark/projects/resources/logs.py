"""AWS::Logs::LogGroup → log groups with their retention. Called by `load.py` and the registry.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-loggroup.html
"""

from collections.abc import Sequence

from callpark.logs.model import RETENTION_DAYS, GroupDefinition
from callpark.projects.identity import physical_name
from callpark.projects.intrinsics import Identity
from callpark.projects.resources.stack import Resource, Stack

GROUP = "AWS::Logs::LogGroup"
_LONGEST_NAME = 512


def group_identity(resource: Resource, stack: Stack) -> Identity:
    name = _name(resource)
    return Identity(name, {"Arn": stack.home.arn("logs", f"log-group:{name}:*")})


def groups(resources: Sequence[Resource], stack: Stack) -> tuple[GroupDefinition, ...]:
    """Raises ProjectError."""
    return tuple(_group(resource) for resource in resources if resource.type == GROUP)


def _group(resource: Resource) -> GroupDefinition:
    properties = resource.properties
    days = properties.integer("RetentionInDays")
    if days is not None and days not in RETENTION_DAYS:
        choices = ", ".join(str(choice) for choice in sorted(RETENTION_DAYS))
        raise properties.wrong("RetentionInDays", f"{days} is no number of days that AWS knows", f"use {choices}")
    properties.default("LogGroupClass", "STANDARD")
    properties.default("DeletionProtectionEnabled", False, "false")
    tags = {tag.required("Key"): tag.text("Value") or "" for tag in properties.mappings("Tags")}
    return GroupDefinition(_name(resource), days, tags)


def _name(resource: Resource) -> str:
    return resource.properties.text("LogGroupName") or physical_name(resource.logical_id, _LONGEST_NAME)
