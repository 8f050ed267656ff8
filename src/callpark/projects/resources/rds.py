"""AWS::RDS::DBCluster and its instances: names for those who refer to them; `--database` says which database stands for
a cluster, nothing here makes one.

`registry.py` asks for identities.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbcluster.html
"""

from callpark.projects.identity import physical_name
from callpark.projects.intrinsics import Identity
from callpark.projects.resources.stack import Resource, Stack

CLUSTER = "AWS::RDS::DBCluster"
INSTANCE = "AWS::RDS::DBInstance"

_NAME_CHARACTERS = 63


def cluster_identity(resource: Resource, stack: Stack) -> Identity:
    name = _name(resource, "DBClusterIdentifier")
    arn = stack.home.arn("rds", f"cluster:{name}")
    if not any(given.partition("/")[0] in (name, arn) for given in stack.databases):
        stack.warn(
            resource.place, f"{CLUSTER}: no database is made; --database {name}=URL says which one stands for it"
        )
    return Identity(name, {"DBClusterArn": arn, "DBClusterIdentifier": name}, placeholder=name)


def instance_identity(resource: Resource, stack: Stack) -> Identity:
    """One that belongs to a cluster is part of what stands for it."""
    if "DBClusterIdentifier" not in resource.properties.values:
        stack.warn(resource.place, f"{INSTANCE}: resources of this type are ignored, unless they belong to a cluster")
    name = _name(resource, "DBInstanceIdentifier")
    return Identity(name, {"DBInstanceArn": stack.home.arn("rds", f"db:{name}")}, placeholder=name)


def _name(resource: Resource, property: str) -> str:
    properties = resource.properties
    properties.without_effect(*properties.values)
    return properties.text(property) or physical_name(resource.logical_id, _NAME_CHARACTERS)
