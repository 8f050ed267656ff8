"""What mutations ask `extensions.invalidateSubscriptions` for. Pure.

Read by `service.py` when a request's resolvers have run; what it returns goes to `realtime/hub.py`, which ends the
subscriptions whose invalidation filter the payload passes.
https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-invalidation.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from callpark.graphql.messages import Invalidation

NAME = "invalidateSubscriptions"


@dataclass(frozen=True, slots=True)
class Asked:
    """`invalidations` without repetitions; `too_many` when there are more than allowed, and then there are none."""

    invalidations: tuple[Invalidation, ...] = ()
    too_many: bool = False


def asked(api_id: str, effects: Sequence[Mapping[str, object]], most: int) -> Asked:
    """Equal requests count once."""
    unique: dict[bytes, Invalidation] = {}
    for effect in effects:
        parameters = effect["parameters"]
        if effect["name"] != NAME or not isinstance(parameters, list) or not parameters:
            continue
        wanted = parameters[0]
        if isinstance(wanted, dict):
            key = orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS)
            unique[key] = Invalidation(api_id, str(wanted.get("subscriptionField")), wanted.get("payload"))
    if len(unique) > most:
        return Asked(too_many=True)
    return Asked(tuple(unique.values()))
