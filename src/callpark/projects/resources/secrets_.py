"""AWS::SecretsManager::Secret, AWS::SSM::Parameter → CreateSecret, PutParameter.

A generated secret is derived from the project's name and the logical id, like every id here: it is the same at each
start, and no secret at all.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
"""

import hashlib
from collections.abc import Sequence

import orjson

from callpark.projects.identity import physical_name
from callpark.projects.intrinsics import Identity
from callpark.projects.model import ForeignCall
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack

SECRET = "AWS::SecretsManager::Secret"
PARAMETER = "AWS::SSM::Parameter"
_EXISTS = frozenset({"ResourceExistsException"})
_PASSWORD_LENGTH = 32


def secret_identity(resource: Resource, stack: Stack) -> Identity:
    """The ARN without the six random characters, which Secrets Manager takes as well."""
    name = _secret_name(resource)
    arn = stack.home.arn("secretsmanager", f"secret:{name}")
    return Identity(arn, {"Id": arn}, placeholder=name)


def secret_calls(resource: Resource, stack: Stack) -> Sequence[ForeignCall]:
    properties = resource.properties
    properties.without_effect("KmsKeyId", "Tags", "ReplicaRegions", "Name")
    generated = properties.mapping("GenerateSecretString")
    text = properties.text("SecretString")
    if text is None:
        text = "" if generated is None else _generated(generated, f"{stack.project}\0{resource.logical_id}")
    secret: dict[str, object] = {"Name": _secret_name(resource), "SecretString": text}
    if description := properties.text("Description"):
        secret["Description"] = description
    return [ForeignCall("secretsmanager", "CreateSecret", secret, _EXISTS)]


def parameter_identity(resource: Resource, stack: Stack) -> Identity:
    name = _parameter_name(resource)
    attributes = {
        "Type": resource.properties.text("Type") or "String",
        "Value": resource.properties.text("Value") or "",
        "Arn": stack.home.arn("ssm", f"parameter/{name.removeprefix('/')}"),
    }
    return Identity(name, attributes, placeholder=name)


def parameter_calls(resource: Resource, stack: Stack) -> Sequence[ForeignCall]:
    properties = resource.properties
    properties.without_effect("Tags", "Tier", "Policies", "AllowedPattern", "DataType", "Name")
    parameter: dict[str, object] = {
        "Name": _parameter_name(resource),
        "Type": properties.text("Type") or "String",
        "Value": properties.required("Value"),
        "Overwrite": True,
    }
    if description := properties.text("Description"):
        parameter["Description"] = description
    return [ForeignCall("ssm", "PutParameter", parameter)]


def _secret_name(resource: Resource) -> str:
    return resource.properties.text("Name") or physical_name(resource.logical_id, 255)


def _parameter_name(resource: Resource) -> str:
    return resource.properties.text("Name") or physical_name(resource.logical_id, 255)


def _generated(rule: Properties, seed: str) -> str:
    length = rule.integer("PasswordLength") or _PASSWORD_LENGTH
    template, key = rule.text("SecretStringTemplate"), rule.text("GenerateStringKey")
    rule.without_effect(*rule.values)
    digest = ""
    while len(digest) < length:
        digest += hashlib.sha256(f"{seed}\0{digest}".encode()).hexdigest()
    password = digest[:length]
    if template is None or key is None:
        return password
    try:
        values = orjson.loads(template)
    except orjson.JSONDecodeError:
        raise rule.wrong("SecretStringTemplate", "is no JSON", "write a JSON object") from None
    return orjson.dumps({**values, key: password} if isinstance(values, dict) else {key: password}).decode()
