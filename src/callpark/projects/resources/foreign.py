"""Resources of services that others serve: what has to be asked of them so that the resource exists. Pure.

Called by `load.py` and the registry; `app.py` hands the values to the upstreams, which create them at first need. Each
family has a file of its own: `dynamodb.py`, `s3.py`, `sns.py`, `events.py`, `secrets_.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from callpark.projects.intrinsics import Identity
from callpark.projects.model import ForeignCall, ForeignResource
from callpark.projects.resources import dynamodb, events, s3, secrets_, sns
from callpark.projects.resources.stack import Resource, Stack

Calls: TypeAlias = Callable[[Resource, Stack], Sequence[ForeignCall]]
Identify: TypeAlias = Callable[[Resource, Stack], Identity]

_FAMILIES: Final[Mapping[str, tuple[Identify, Calls]]] = {
    dynamodb.TABLE: (dynamodb.table_identity, dynamodb.table_calls),
    s3.BUCKET: (s3.bucket_identity, s3.bucket_calls),
    sns.TOPIC: (sns.topic_identity, sns.topic_calls),
    sns.SUBSCRIPTION: (sns.subscription_identity, sns.subscription_calls),
    events.BUS: (events.bus_identity, events.bus_calls),
    events.RULE: (events.rule_identity, events.rule_calls),
    secrets_.SECRET: (secrets_.secret_identity, secrets_.secret_calls),
    secrets_.PARAMETER: (secrets_.parameter_identity, secrets_.parameter_calls),
}
IDENTITIES: Final[Mapping[str, Identify]] = {kind: identify for kind, (identify, _) in _FAMILIES.items()}

#: What belongs to other resources comes after them.
_LATER: Final = (s3.BUCKET, sns.SUBSCRIPTION, events.RULE)


def foreign(resources: Sequence[Resource], stack: Stack) -> tuple[ForeignResource, ...]:
    """In an order in which they can be made. Raises ProjectError."""
    found = []
    for resource in sorted(resources, key=lambda resource: resource.type in _LATER):
        if resource.type in _FAMILIES:
            _, calls = _FAMILIES[resource.type]
            found.append(ForeignResource(resource.logical_id, resource.type, tuple(calls(resource, stack))))
    return tuple(found)
