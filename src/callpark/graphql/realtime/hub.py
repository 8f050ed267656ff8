"""Who listens to what: subscriptions by API and mutation field, and the fan-out of publications.

`api/websocket.py` attaches subscriptions; `GraphqlService` publishes. Subscriptions that differ in nothing but their
connection form one audience: its filter is asked once, and the payload is projected and serialised once per shape.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import orjson

from callpark.graphql.happenings import Invalidated, Published, Subscribed, Unsubscribed
from callpark.graphql.messages import Invalidation, Publication
from callpark.graphql.realtime.filters import passes, surprises
from callpark.graphql.realtime.frames import data_ending
from callpark.graphql.realtime.matching import matches
from callpark.graphql.subscriptions import PreparedSubscription
from callpark.kernel.limits import AppSyncLimits
from callpark.kernel.trace import Trace

_log = logging.getLogger("callpark")

Deliver: TypeAlias = Callable[[bytes], None]
"""Takes the end of a `data` frame (`frames.data_ending`) and returns at once."""

End: TypeAlias = Callable[[], None]
"""Ends the subscription that was invalidated; called once at most."""


@dataclass(slots=True, eq=False)
class _Audience:
    """Subscriptions with the same API, field, shape and filter."""

    subscription: PreparedSubscription
    members: dict[int, Deliver] = field(default_factory=dict)

    def wants(self, value: object) -> bool:
        filter = self.subscription.filter
        return matches(self.subscription.arguments, value) if filter is None else passes(filter, value)


_Key: TypeAlias = tuple[str, str, str, bytes]


class Hub:
    def __init__(self, trace: Trace, limits: AppSyncLimits) -> None:
        self._trace = trace
        self._limits = limits
        self._by_mutation: dict[tuple[str, str], dict[_Key, _Audience]] = {}
        self._revocable: dict[tuple[str, str], dict[int, tuple[Mapping[str, object], End]]] = {}
        self._attached = 0

    def attach(
        self, api_id: str, subscription: PreparedSubscription, deliver: Deliver, end: End = lambda: None
    ) -> Callable[[], None]:
        """Deliver matching publications from now on; returns what detaches it. `end` is called when a mutation
        invalidates it."""
        for kind, filter in (
            ("filter", subscription.filter),
            ("invalidation filter", subscription.invalidation_filter),
        ):
            for surprise in () if filter is None else surprises(filter):
                _log.warning("API %s: the %s of %s: %s", api_id, kind, subscription.field_name, surprise)
        key = _key(api_id, subscription)
        feeds = [(api_id, mutation) for mutation in subscription.mutations]
        self._attached += 1
        number = self._attached
        for feed in feeds:
            audiences = self._by_mutation.setdefault(feed, {})
            audiences.setdefault(key, _Audience(subscription)).members[number] = deliver

        revocable = (api_id, subscription.field_name)
        if subscription.invalidation_filter is not None:
            self._revocable.setdefault(revocable, {})[number] = (subscription.invalidation_filter, end)
        self._trace.emit(Subscribed(api_id, subscription.field_name))

        def detach() -> None:
            if (endings := self._revocable.get(revocable)) is not None:
                endings.pop(number, None)
                if not endings:
                    del self._revocable[revocable]
            if any([self._detach(feed, key, number) for feed in feeds]):
                self._trace.emit(Unsubscribed(api_id, subscription.field_name))

        return detach

    def publish(self, publication: Publication) -> None:
        """Hand a publication to everybody who asked for it. A subscriber's trouble is never the mutation's."""
        value = publication.value
        endings: dict[str, bytes | None] = {}
        subscribers = too_large = 0
        for audience in tuple(self._by_mutation.get((publication.api_id, publication.field_name), {}).values()):
            try:
                if not audience.wants(value):
                    continue
                shape = audience.subscription.shape
                if shape not in endings:
                    endings[shape] = self._ending(audience.subscription, publication)
            except Exception:
                _log.exception("%s was not published to %s", publication.field_name, audience.subscription.field_name)
                continue
            ending = endings[shape]
            if ending is None:
                too_large += len(audience.members)
                continue
            subscribers += len(audience.members)
            for deliver in audience.members.values():
                deliver(ending)
        self._trace.emit(Published(publication.api_id, publication.field_name, subscribers, too_large))

    def invalidate(self, invalidation: Invalidation) -> None:
        """End the subscriptions to a field whose invalidation filter the payload passes; those without one stay."""
        endings = self._revocable.get((invalidation.api_id, invalidation.field_name), {})
        ended = [end for filter, end in tuple(endings.values()) if passes(filter, invalidation.payload)]
        for end in ended:
            end()
        self._trace.emit(Invalidated(invalidation.api_id, invalidation.field_name, len(ended)))

    def subscriptions(self) -> Mapping[tuple[str, str], int]:
        """How many listen, by API and mutation field."""
        return {
            feed: sum(len(audience.members) for audience in audiences.values())
            for feed, audiences in self._by_mutation.items()
        }

    def _ending(self, subscription: PreparedSubscription, publication: Publication) -> bytes | None:
        """With the payload's JSON; None when AppSync would drop the message for its size."""
        payload = orjson.dumps(subscription.project(publication.value))
        maximum = self._limits.subscription_message_bytes
        if len(payload) > maximum:
            _log.warning(
                "API %s: %s is not delivered to subscribers of %s: %d bytes, AppSync drops messages over %d",
                publication.api_id,
                publication.field_name,
                subscription.field_name,
                len(payload),
                maximum,
            )
            return None
        return data_ending(payload)

    def _detach(self, feed: tuple[str, str], key: _Key, number: int) -> bool:
        """Whether it was there."""
        audiences = self._by_mutation.get(feed, {})
        audience = audiences.get(key)
        if audience is None or number not in audience.members:
            return False
        del audience.members[number]
        if not audience.members:
            del audiences[key]
        if not audiences:
            del self._by_mutation[feed]
        return True


def _key(api_id: str, subscription: PreparedSubscription) -> _Key:
    wanted = (subscription.arguments, subscription.filter)
    text = orjson.dumps([None if part is None else dict(part) for part in wanted], option=orjson.OPT_SORT_KEYS)
    return api_id, subscription.field_name, subscription.shape, text
