"""AWS::Connect::HoursOfOperation, Queue, Prompt, ContactFlowModule and their like → `flows.declared`.

`registry.py` asks for identities, `connect.py` for the rest. What CloudFormation cannot say (who takes contacts out of
a queue, how long a prompt lasts) is said in `connect.yaml` under the same name.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Connect.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from callpark.flows.declared import (
    Declared,
    Hours,
    HoursOverride,
    PromptFile,
    Queue,
    TaskTemplate,
    ThirdParty,
    View,
)
from callpark.flows.hours import DAYS
from callpark.flows.model import FlowDefinition
from callpark.projects.identity import uuid_of
from callpark.projects.intrinsics import Identity
from callpark.projects.recordings import wav_seconds
from callpark.projects.resources import connect_people
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Resource, Stack
from callpark.projects.template import existing

HOURS = "AWS::Connect::HoursOfOperation"
QUEUE = "AWS::Connect::Queue"
PROMPT = "AWS::Connect::Prompt"
MODULE = "AWS::Connect::ContactFlowModule"
QUICK_CONNECT = "AWS::Connect::QuickConnect"
VIEW = "AWS::Connect::View"
TASK_TEMPLATE = "AWS::Connect::TaskTemplate"
USER = "AWS::Connect::User"
ROUTING_PROFILE = "AWS::Connect::RoutingProfile"
AGENT_STATUS = "AWS::Connect::AgentStatus"

_KINDS: Mapping[str, tuple[str, str]] = {
    HOURS: ("operating-hours", "HoursOfOperationArn"),
    QUEUE: ("queue", "QueueArn"),
    PROMPT: ("prompt", "PromptArn"),
    MODULE: ("flow-module", "ContactFlowModuleArn"),
    QUICK_CONNECT: ("transfer-destination", "QuickConnectArn"),
    VIEW: ("view", "ViewArn"),
    TASK_TEMPLATE: ("task-template", "Arn"),
    USER: ("agent", "UserArn"),
    ROUTING_PROFILE: ("routing-profile", "RoutingProfileArn"),
    AGENT_STATUS: ("agent-state", "AgentStatusArn"),
}
"""By type: the word in its ARN, and the attribute that gives the ARN. `Ref` gives the ARN too."""

TYPES = frozenset(_KINDS)

#: An override of more days than this is cut (our rule): one that never ends would be endless work.
_OVERRIDE_DAYS = 731

InstanceOf = Callable[[Resource, str, Stack], str]


def arn_of(resource: Resource, stack: Stack, instance_of: InstanceOf) -> str:
    kind, _ = _KINDS[resource.type]
    instance = instance_of(resource, "InstanceArn", stack)
    return f"{instance}/{kind}/{uuid_of(stack.project, resource.type, resource.logical_id)}"


def identity(resource: Resource, stack: Stack, instance_of: InstanceOf) -> Identity:
    arn = arn_of(resource, stack, instance_of)
    return Identity(arn, {_KINDS[resource.type][1]: arn})


def declared(resources: Sequence[Resource], stack: Stack, instance_of: InstanceOf) -> Declared:
    """What the template declares of the instance, flows and modules aside."""

    def made(kind: str) -> Iterator[tuple[str, Properties, str]]:
        for resource in resources:
            if resource.type == kind:
                resource.properties.without_effect("Description", "Tags")
                name = resource.properties.required("Name")
                yield name, resource.properties, arn_of(resource, stack, instance_of)

    def of(kind: str) -> Iterator[tuple[Properties, str]]:
        for resource in resources:
            if resource.type == kind:
                yield resource.properties, arn_of(resource, stack, instance_of)

    for _, properties, _ in made(TASK_TEMPLATE):
        properties.without_effect("Fields", "Constraints", "Defaults", "Status", "ClientToken")
    return Declared(
        hours=tuple(_hours(name, properties, arn) for name, properties, arn in made(HOURS)),
        queues=tuple(_queue(name, properties, arn) for name, properties, arn in made(QUEUE)),
        prompts=tuple(_prompt(r, stack, arn_of(r, stack, instance_of)) for r in resources if r.type == PROMPT),
        views=tuple(_view(name, properties, arn) for name, properties, arn in made(VIEW)),
        task_templates=tuple(TaskTemplate(name=name, arn=arn) for name, _, arn in made(TASK_TEMPLATE)),
        third_parties=tuple(_third_parties([r for r in resources if r.type == QUICK_CONNECT], stack)),
        agents=tuple(connect_people.user(properties, arn) for properties, arn in of(USER)),
        routing_profiles=tuple(connect_people.routing_profile(item, arn) for item, arn in of(ROUTING_PROFILE)),
        agent_statuses=tuple(connect_people.agent_status(item, arn) for item, arn in of(AGENT_STATUS)),
        quick_connects=tuple(
            connect for item, arn in of(QUICK_CONNECT) if (connect := connect_people.quick_connect(item, arn))
        ),
    )


def _prompt(resource: Resource, stack: Stack, arn: str) -> PromptFile:
    """`S3Uri` is out of reach; metadata may name the same recording here: `Callpark: {File: prompts/welcome.wav}`."""
    resource.properties.without_effect("Description", "Tags", "S3Uri")
    name = resource.properties.required("Name")
    callpark = resource.metadata.get("Callpark")
    file = callpark.get("File") if isinstance(callpark, dict) else None
    if file is None:
        return PromptFile(name=name, arn=arn)
    place = (*resource.place, "Metadata", "Callpark", "File")
    path = existing(stack.folder, str(file))
    seconds = wav_seconds(path) if path is not None and path.is_file() else None
    if path is None or seconds is None:
        raise stack.blame(place, f"{file!r} is no WAV file", "write the path of one, relative to the template")
    stack.watch(path)
    return PromptFile(name=name, arn=arn, seconds=seconds)


def _view(name: str, properties: Properties, arn: str) -> View:
    """Shown by clients of chats, which DescribeView tells of it."""
    template = properties.get("Template")
    if template is not None and not isinstance(template, dict):
        raise properties.wrong("Template", "is no mapping", "write the view's template")
    return View(name=name, arn=arn, template=template or {}, actions=properties.texts("Actions"))


def _third_parties(resources: Sequence[Resource], stack: Stack) -> Iterator[ThirdParty]:
    """A quick connect to a phone number is somebody who answers there. Those to users and queues are for agents."""
    for resource in resources:
        properties = resource.properties
        properties.without_effect("Description", "Tags")
        config = properties.mapping("QuickConnectConfig")
        kind = None if config is None else config.text("QuickConnectType")
        phone = None if config is None else config.mapping("PhoneConfig")
        if phone is not None:
            properties.without_effect("Name")
            yield ThirdParty(number=phone.required("PhoneNumber"))
        elif kind not in ("QUEUE", "USER"):
            properties.without_effect(*properties.values)
            stack.warn(resource.place, f"{QUICK_CONNECT}: one of type {kind} is declared, and nobody here can use it")


def modules(resources: Sequence[Resource], stack: Stack, instance_of: InstanceOf) -> tuple[FlowDefinition, ...]:
    found = []
    for resource in resources:
        if resource.type == MODULE:
            properties = resource.properties
            properties.without_effect("Description", "Tags", "ExternalInvocationConfiguration")
            properties.default("State", "ACTIVE")
            found.append(
                FlowDefinition(
                    name=properties.required("Name"),
                    arn=arn_of(resource, stack, instance_of),
                    content=properties.required("Content"),
                    type="MODULE",
                    settings=properties.text("Settings"),
                )
            )
    return tuple(found)


def _queue(name: str, properties: Properties, arn: str) -> Queue:
    properties.without_effect("QuickConnectArns", "OutboundEmailConfig")
    properties.default("Status", "ENABLED")
    return Queue(
        name=name,
        arn=arn,
        hours=properties.required("HoursOfOperationArn"),
        capacity=properties.integer("MaxContacts"),
    )


def _hours(name: str, properties: Properties, arn: str) -> Hours:
    properties.without_effect("ParentHoursOfOperations")
    return Hours(
        name=name,
        arn=arn,
        time_zone=properties.required("TimeZone"),
        days=_week(properties.mappings("Config")),
        overrides=tuple(o for item in properties.mappings("HoursOfOperationOverrides") for o in _overrides(item)),
    )


def _overrides(item: Properties) -> Iterator[HoursOverride]:
    """One for each date, with the hours of its day of the week; a day without any is closed."""
    item.without_effect("OverrideDescription", "HoursOfOperationOverrideId", "OverrideType")
    first, last = _date(item, "EffectiveFrom"), _date(item, "EffectiveTill")
    week = _week(item.mappings("OverrideConfig"))
    name = item.text("OverrideName") or ""
    for number in range(min((last - first).days, _OVERRIDE_DAYS) + 1):
        day = first + timedelta(days=number)
        yield HoursOverride(name=name, first=day, last=day, hours=week.get(DAYS[day.weekday()], ()))


def _date(item: Properties, name: str) -> date:
    text = item.required(name)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise item.wrong(name, f"{text!r} is no date", "write it like 2026-12-24") from None


def _week(items: Sequence[Properties]) -> Mapping[str, tuple[str, ...]]:
    week: dict[str, tuple[str, ...]] = {}
    for item in items:
        day = item.required("Day").capitalize()
        week[day] = (*week.get(day, ()), f"{_time(item, 'StartTime')}-{_time(item, 'EndTime')}")
    return week


def _time(item: Properties, name: str) -> str:
    time = item.mapping(name)
    if time is None:
        raise item.wrong(name, "is missing", "write Hours and Minutes")
    return f"{time.integer('Hours') or 0:02}:{time.integer('Minutes') or 0:02}"
