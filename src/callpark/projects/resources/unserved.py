"""Resources that nothing here serves: a name and an ARN for those who refer to them. Called by `load.py`.

Something else may serve them, so the name is the one the template gives, or the logical id.
"""

from collections.abc import Mapping

from callpark.projects.identity import physical_name
from callpark.projects.intrinsics import Identity
from callpark.projects.resources.stack import Stack

QUIET_TYPES = frozenset(
    {
        "AWS::CDK::Metadata",
        "AWS::CloudFormation::WaitConditionHandle",
        "AWS::IAM::InstanceProfile",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::IAM::RolePolicy",
    }
)
"""IAM is not enforced (docs/compatibility.md says so once); the others do nothing on AWS either."""

_NAME_PROPERTIES = ("StreamName", "RoleName", "Name")
_RESOURCES: Mapping[str, str] = {"AWS::Kinesis::Stream": "stream/{name}"}


def name_property(declared: Mapping[str, object]) -> str | None:
    """The property that names the resource, if the template has one."""
    return next((name for name in _NAME_PROPERTIES if name in declared), None)


def identity(kind: str, logical_id: str, name: str | None, stack: Stack) -> Identity:
    """`name` is the value of the naming property. Attributes that are not known give the name."""
    name = name or physical_name(logical_id, 255)
    service, _, type_name = kind.removeprefix("AWS::").lower().partition("::")
    if kind == "AWS::IAM::Role":
        arn = f"arn:aws:iam::{stack.home.account}:role/{name}"
    elif kind in _RESOURCES:
        arn = stack.home.arn(service, _RESOURCES[kind].format(name=name))
    else:
        arn = stack.home.arn(service, f"{type_name or 'resource'}/{name}")
    return Identity(name, {"Arn": arn}, placeholder=name)
