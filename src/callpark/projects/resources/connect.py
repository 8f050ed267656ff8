"""AWS::Connect::* → one instance, its flows and numbers.

`registry.py` asks for identities, `load.py` for the rest. CloudFormation can claim a number but say neither which one
nor which flow answers it: AWS draws the number, and the association is an API call. Metadata say both here:

    MyNumber:
      Type: AWS::Connect::PhoneNumber
      Metadata:
        Callpark: { Number: "+441632960000", ContactFlow: !Ref MyFlow }

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Connect.html
"""

import re
from collections.abc import Sequence
from pathlib import Path

from callpark.flows.model import FlowDefinition, InstanceDefinition, NumberDefinition
from callpark.kernel.arn import Arn
from callpark.projects.document import Place
from callpark.projects.identity import number_of, uuid_of
from callpark.projects.intrinsics import Identity
from callpark.projects.resources import connect_resources
from callpark.projects.resources.stack import Resource, Stack

INSTANCE = "AWS::Connect::Instance"
FLOW = "AWS::Connect::ContactFlow"
NUMBER = "AWS::Connect::PhoneNumber"
ASSOCIATION = "AWS::Connect::IntegrationAssociation"
PERMISSION = "AWS::Lambda::Permission"

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_PRINCIPAL = "connect.amazonaws.com"
_FICTIONAL = {"GB": ("+441632960", 3), "US": ("+1202555", 4), "AU": ("+6155501", 4)}
"""Number ranges set aside for drama: Ofcom's 01632 960000 to 960999, 555-0100 to 555-0199, ACMA's 5550."""


def instance_identity(resource: Resource, stack: Stack) -> Identity:
    arn = default_instance_arn(stack, resource.logical_id)
    attributes = {
        "Arn": arn,
        "Id": arn.rpartition("/")[2],
        "InstanceStatus": "ACTIVE",
        "CreatedTime": "1970-01-01T00:00:00Z",
        "ServiceRole": f"arn:aws:iam::{stack.home.account}:role/aws-service-role/connect.amazonaws.com/AmazonConnect",
    }
    return Identity(arn, attributes)


def flow_identity(resource: Resource, stack: Stack) -> Identity:
    arn = _flow_arn(resource, stack)
    return Identity(arn, {"ContactFlowArn": arn})


def number_identity(resource: Resource, stack: Stack) -> Identity:
    arn = _number_arn(resource, stack)
    return Identity(arn, {"PhoneNumberArn": arn, "Address": _number(resource, stack)})


def association_identity(resource: Resource, stack: Stack) -> Identity:
    properties = resource.properties
    parts = [properties.required(name) for name in ("InstanceId", "IntegrationType", "IntegrationArn")]
    return Identity(
        "|".join(parts), {"IntegrationAssociationId": uuid_of(stack.project, ASSOCIATION, resource.logical_id)}
    )


def default_instance_arn(stack: Stack, logical_id: str = "") -> str:
    """The ARN of the project's own instance."""
    return stack.home.arn("connect", f"instance/{uuid_of(stack.project, INSTANCE, logical_id)}")


def _instance_of(resource: Resource, name: str, stack: Stack) -> str:
    """The ARN of the instance a resource belongs to; ids and ARNs are both written in templates."""
    written = resource.properties.required(name)
    arn = Arn.parse(written)
    if arn is not None and arn.service == "connect" and arn.resource.startswith("instance/"):
        return str(arn)
    return stack.home.arn("connect", f"instance/{written.rpartition('/')[2]}")


def _flow_arn(resource: Resource, stack: Stack) -> str:
    instance = _instance_of(resource, "InstanceArn", stack)
    return f"{instance}/contact-flow/{uuid_of(stack.project, FLOW, resource.logical_id)}"


def _number_arn(resource: Resource, stack: Stack) -> str:
    return stack.home.arn("connect", f"phone-number/{uuid_of(stack.project, NUMBER, resource.logical_id)}")


def _declared(resource: Resource, name: str) -> str | None:
    callpark = resource.metadata.get("Callpark")
    value = callpark.get(name) if isinstance(callpark, dict) else None
    return str(value) if value is not None else None


def _number(resource: Resource, stack: Stack) -> str:
    declared = _declared(resource, "Number")
    if declared is not None:
        number = declared if declared.startswith("+") else f"+{declared}"
        if not _E164.fullmatch(number):
            raise stack.blame(
                _metadata_place(resource, "Number"),
                f"{declared!r} is not a number in E.164",
                'write it like "+441632960000", with quotes',
            )
        return number
    country = resource.properties.text("CountryCode") or "US"
    start, digits = _FICTIONAL.get(country, (_calling_code(country, resource), 4))
    low, count = {"US": (100, 100)}.get(country, (0, 10**digits))
    return f"{start}{low + number_of(stack.project, NUMBER, resource.logical_id, count):0{digits}}"


def _calling_code(country: str, resource: Resource) -> str:
    import phonenumbers

    code = phonenumbers.country_code_for_region(country)
    if not code:
        raise resource.properties.wrong("CountryCode", f"{country!r} is not a country", "use two capital letters: GB")
    return f"+{code}55501"


def _metadata_place(resource: Resource, name: str) -> Place:
    return (*resource.place, "Metadata", "Callpark", name)


def instance(resources: Sequence[Resource], stack: Stack) -> InstanceDefinition | None:
    """The project's instance: the one it declares, or the one its flows and numbers name. None without either.

    Raises ProjectError when there are several.
    """
    associated = _associated(resources, stack)
    arns: dict[str, Resource] = {}
    alias = ""
    for resource in resources:
        properties = resource.properties
        if resource.type == INSTANCE:
            properties.without_effect("IdentityManagementType", "Attributes", "Tags", "DirectoryId")
            alias = properties.text("InstanceAlias") or ""
            arns.setdefault(default_instance_arn(stack, resource.logical_id), resource)
        name = {FLOW: "InstanceArn", NUMBER: "TargetArn", ASSOCIATION: "InstanceId"}.get(resource.type)
        if resource.type in connect_resources.TYPES:
            name = "InstanceArn"
        if name is not None and (resource.type != NUMBER or properties.values.get(name)):
            arns.setdefault(_instance_of(resource, name, stack), resource)
    if not arns:
        return None
    if len(arns) > 1:
        first, second, *_ = arns
        raise stack.blame(
            arns[second].place,
            f"a second Connect instance: {second} beside {first}",
            "a project has one instance; give its resources the same InstanceArn",
        )
    return InstanceDefinition(
        arn=next(iter(arns)),
        alias=alias or stack.project,
        function_arns=tuple(associated),
        all_functions=not any(resource.type == ASSOCIATION for resource in resources) and not associated,
        declared=connect_resources.declared(resources, stack, _instance_of),
    )


def _associated(resources: Sequence[Resource], stack: Stack) -> list[str]:
    """Functions that Connect may call: associated with the instance, or permitted to Connect by their own policy."""
    found: list[str] = []
    for resource in resources:
        properties = resource.properties
        if resource.type == ASSOCIATION:
            kind = properties.required("IntegrationType")
            if kind == "LAMBDA_FUNCTION":
                found.append(properties.required("IntegrationArn"))
            else:
                stack.warn(resource.place, f"{ASSOCIATION}: an integration of type {kind} is ignored")
                properties.without_effect("IntegrationArn")
        if resource.type == PERMISSION:
            properties.without_effect(*properties.values)
            if properties.text("Principal") == _PRINCIPAL:
                function = properties.required("FunctionName")
                found.append(function if Arn.parse(function) else stack.home.arn("lambda", f"function:{function}"))
    return list(dict.fromkeys(found))


def flows(resources: Sequence[Resource], stack: Stack) -> tuple[FlowDefinition, ...]:
    found = []
    for resource in resources:
        if resource.type != FLOW:
            continue
        properties = resource.properties
        properties.without_effect("Description", "Tags")
        properties.default("State", "ACTIVE")
        found.append(
            FlowDefinition(
                name=properties.required("Name"),
                arn=_flow_arn(resource, stack),
                content=properties.required("Content"),
                type=properties.text("Type") or "CONTACT_FLOW",
                source=_source(resource, stack),
            )
        )
    return (*found, *connect_resources.modules(resources, stack, _instance_of))


def resource_identity(resource: Resource, stack: Stack) -> Identity:
    return connect_resources.identity(resource, stack, _instance_of)


def _source(resource: Resource, stack: Stack) -> Path | None:
    """The file whose JSON is the flow's content, so that a problem in it is named there."""
    content = (*resource.properties.place, "Content")
    return next((path for place, path in stack.included.items() if place[: len(content)] == content), None)


def numbers(resources: Sequence[Resource], stack: Stack) -> tuple[NumberDefinition, ...]:
    """Raises ProjectError for one number claimed twice, and for a ContactFlow that is none."""
    flow_arns = {_flow_arn(resource, stack) for resource in resources if resource.type == FLOW}
    found: dict[str, NumberDefinition] = {}
    for resource in resources:
        if resource.type != NUMBER:
            continue
        resource.properties.without_effect("Type", "CountryCode", "Prefix", "Description", "Tags")
        number = _number(resource, stack)
        if number in found:
            raise stack.blame(resource.place, f"the number {number} is claimed twice", "give it another one")
        found[number] = NumberDefinition(number, _number_arn(resource, stack), _answering(resource, flow_arns, stack))
        _warn_metadata(resource, stack)
    return tuple(found.values())


def _answering(resource: Resource, flow_arns: set[str], stack: Stack) -> str | None:
    flow = _declared(resource, "ContactFlow")
    if flow is None:
        stack.warn(
            resource.place,
            f"{NUMBER}: no flow answers the number; CloudFormation cannot say which does: "
            "add Metadata: {Callpark: {ContactFlow: !Ref TheFlow}}",
        )
    elif flow not in flow_arns:
        raise stack.blame(
            _metadata_place(resource, "ContactFlow"), f"{flow!r} is not a flow of this template", "write !Ref TheFlow"
        )
    return flow


def _warn_metadata(resource: Resource, stack: Stack) -> None:
    callpark = resource.metadata.get("Callpark")
    for name in callpark if isinstance(callpark, dict) else ():
        if name not in ("Number", "ContactFlow"):
            stack.warn(_metadata_place(resource, name), "this metadata is ignored; Number and ContactFlow are known")
