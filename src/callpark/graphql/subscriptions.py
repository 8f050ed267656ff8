"""Subscription operations: validated, bound to their mutations, and compiled into projections. Pure.

Called by `service.py`; the values are used by `realtime/`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from callpark.graphql.messages import ErrorEntry


class SubscriptionRefused(Exception):
    """A `start` that cannot become a subscription; `errors` go into the `error` frame's payload."""

    def __init__(self, errors: Sequence[ErrorEntry]) -> None:
        super().__init__("; ".join(str(error.get("message")) for error in errors))
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class PreparedSubscription:
    """One valid subscription operation.

    field_name          the subscription field in the schema
    arguments           its coerced arguments; an omitted argument is absent, an explicit null is None
    mutations           names of the mutation fields that feed it (@aws_subscribe)
    shape               equal for two subscriptions whose `project` gives equal payloads for equal values
    project             published value (Publication.value) → the `payload` of a `data` frame: {"data": {…}} and
                        "errors" when a non-null field was not selected by the mutation
    filter              what `extensions.setSubscriptionFilter` gave; replaces argument filtering when not None
    invalidation_filter what `extensions.setSubscriptionInvalidationFilter` gave
    """

    field_name: str
    arguments: Mapping[str, object]
    mutations: tuple[str, ...]
    shape: str
    project: Callable[[object], dict[str, object]]
    filter: Mapping[str, object] | None = None
    invalidation_filter: Mapping[str, object] | None = None
