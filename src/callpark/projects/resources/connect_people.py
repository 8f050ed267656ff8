"""AWS::Connect::User, RoutingProfile, AgentStatus, QuickConnect → `flows.declared`. Called by `connect_resources.py`.

A user of a template takes contacts when somebody plays them (`callpark agent`), or by themselves with AutoAccept, or as
`connect.yaml` says under the same name.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Connect.html
"""

from callpark.flows.declared import (
    Agent,
    AgentStatus,
    Channel,
    Proficiency,
    ProfileQueue,
    QuickConnect,
    RoutingProfile,
)
from callpark.flows.parameters import number
from callpark.projects.resources.properties import Properties

_CHANNELS: tuple[Channel, ...] = ("VOICE", "CHAT", "TASK", "EMAIL")


def user(properties: Properties, arn: str) -> Agent:
    properties.without_effect("SecurityProfileArns", "DirectoryUserId", "HierarchyGroupArn", "Password", "Tags")
    identity, phone = properties.mapping("IdentityInfo"), properties.mapping("PhoneConfig")
    if identity is not None:
        identity.without_effect("Email", "SecondaryEmail", "Mobile")
    if phone is not None:
        phone.without_effect("PhoneType", "DeskPhoneNumber", "PersistentConnection")
    return Agent(
        name=properties.required("Username"),
        arn=arn,
        routing_profile=properties.required("RoutingProfileArn"),
        auto_accept=phone is not None and (phone.text("AutoAccept") or "").lower() == "true",
        after_work=float((phone.integer("AfterContactWorkTimeLimit") if phone is not None else None) or 0),
        proficiencies=tuple(_proficiency(item) for item in properties.mappings("UserProficiencies")),
        first_name=(identity.text("FirstName") if identity is not None else None) or "",
        last_name=(identity.text("LastName") if identity is not None else None) or "",
    )


def _proficiency(item: Properties) -> Proficiency:
    said = item.required("Level")
    level = number(said)
    if level is None or not 1 <= level <= 5:
        raise item.wrong("Level", f"{said!r} is no level", "write a number from 1 to 5")
    return Proficiency(name=item.required("AttributeName"), value=item.required("AttributeValue"), level=level)


def routing_profile(properties: Properties, arn: str) -> RoutingProfile:
    properties.without_effect("Description", "DefaultOutboundQueueArn", "Tags", "AgentAvailabilityTimer")
    properties.without_effect("ManualAssignmentQueueConfigs")
    concurrency: dict[Channel, int] = {}
    shared: list[Channel] = []
    for item in properties.mappings("MediaConcurrencies"):
        channel = _channel(item)
        concurrency[channel] = item.integer("Concurrency") or 0
        behavior = item.mapping("CrossChannelBehavior")
        if behavior is not None and behavior.required("BehaviorType") == "ROUTE_ANY_CHANNEL":
            shared.append(channel)
    return RoutingProfile(
        name=properties.required("Name"),
        arn=arn,
        queues=tuple(_queue(item) for item in properties.mappings("QueueConfigs")),
        concurrency=concurrency,
        shared=tuple(shared),
    )


def _queue(item: Properties) -> ProfileQueue:
    reference = item.mapping("QueueReference")
    if reference is None:
        raise item.wrong("QueueReference", "is missing", "write QueueArn and Channel")
    return ProfileQueue(
        queue=reference.required("QueueArn"),
        channel=_channel(reference),
        priority=item.integer("Priority") or 1,
        delay=float(item.integer("Delay") or 0),
    )


def _channel(item: Properties) -> Channel:
    said = item.required("Channel")
    for channel in _CHANNELS:
        if said == channel:
            return channel
    raise item.wrong("Channel", f"{said!r} is no channel", f"write one of {', '.join(_CHANNELS)}")


def agent_status(properties: Properties, arn: str) -> AgentStatus:
    properties.without_effect("Description", "DisplayOrder", "ResetOrderNumber", "Tags")
    properties.default("State", "ENABLED")
    properties.default("Type", "CUSTOM")
    return AgentStatus(name=properties.required("Name"), arn=arn)


def quick_connect(properties: Properties, arn: str) -> QuickConnect | None:
    """To a queue or a user; None for other kinds, which agents here cannot use."""
    config = properties.mapping("QuickConnectConfig")
    kind = None if config is None else config.text("QuickConnectType")
    if config is None or kind not in ("QUEUE", "USER"):
        return None
    to_queue = kind == "QUEUE"
    target = config.mapping("QueueConfig" if to_queue else "UserConfig")
    if target is None:
        raise config.wrong("QuickConnectType", f"is {kind}, without its config", "write QueueConfig or UserConfig")
    reference = target.required("QueueArn" if to_queue else "UserArn")
    return QuickConnect(
        name=properties.required("Name"),
        arn=arn,
        queue=reference if to_queue else None,
        agent=None if to_queue else reference,
        flow=target.required("ContactFlowArn"),
    )
