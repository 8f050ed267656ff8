"""The face of AppSync Events: Event APIs are applied, publications carried out, subscriptions judged.

Used by `api/` and `control/` inside the slice and by `app.py`. A new set of APIs is compiled whole before it replaces
what is served. Broadcasts of a channel are in the order in which its publications came.
https://docs.aws.amazon.com/appsync/latest/eventapi/what-is-appsync-events.html
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from callpark.graphql.channels.channel import Channel
from callpark.graphql.channels.frames import data_ending
from callpark.graphql.channels.handlers import Occasion, Operation
from callpark.graphql.channels.happenings import ChannelSubscribed, EventsPublished
from callpark.graphql.channels.hub import ChannelHub
from callpark.graphql.channels.messages import Asker, ChannelRefused, PublishAsked, Published
from callpark.graphql.channels.model import EventApiDefinition
from callpark.graphql.channels.outgoing import Incoming, Outgoing, answer, incoming, unchanged
from callpark.graphql.channels.request_log import ChannelLog
from callpark.graphql.channels.serving import ServedEventApi, ServedNamespace, ServingParts, compile_event_api
from callpark.graphql.channels.turns import Turn, Turns
from callpark.graphql.datasources.lambda_ import FunctionInvoker
from callpark.graphql.datasources.nowhere import NOWHERE
from callpark.graphql.datasources.port import Outside
from callpark.graphql.happenings import RequestLogged
from callpark.graphql.log_lines import LogLines
from callpark.graphql.resolvers.sources import SourceParts
from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.kernel.clock import Clock
from callpark.kernel.deadline import Deadline
from callpark.kernel.errors import ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace

_log = logging.getLogger("callpark")


Broadcast: TypeAlias = Callable[[str, Channel, bytes | None], None]
"""API, channel, and the event as a `data` frame ends with it, None for one that cannot be delivered."""


@dataclass(frozen=True, slots=True)
class Place:
    """A publication that stands in its channel's line."""

    api_id: str
    asked: PublishAsked
    namespace: ServedNamespace
    turn: Turn


class EventApis:
    """Every Event API, compiled. `hub` has its subscribers."""

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        trace: Trace,
        limits: Limits,
        functions: FunctionInvoker,
        outside: Outside = NOWHERE,
    ) -> None:
        self.hub = ChannelHub()
        self._clock = clock
        self._ids = ids
        self._trace = trace
        self._limits = limits.appsync
        self._host = JavaScriptHost(clock, ids, self._limits)
        sources = SourceParts(functions, outside, clock, ids, self._limits)
        self._parts = ServingParts(self._host, sources, trace)
        self._served: Mapping[str, ServedEventApi] = {}
        self._turns = Turns()
        self._removed: Callable[[str], None] = lambda api_id: None
        self._also: Broadcast = lambda api_id, channel, text: None

    def apply(self, apis: Sequence[EventApiDefinition]) -> list[str]:
        """Compile all, then replace what was applied before; returns warnings. What was `put` and is not among them
        stays. Raises ProjectError and changes nothing."""
        served: dict[str, ServedEventApi] = {}
        warnings: list[str] = []
        for api in apis:
            if api.api_id in served:
                raise ProjectError(f"two Event APIs have the id '{api.api_id}'", "give each API an id of its own")
            before = self._served.get(api.api_id)
            same = before is not None and before.definition == api and not before.kept
            served[api.api_id] = before if before is not None and same else compile_event_api(api, self._parts)
            warnings += served[api.api_id].warnings
        stays = {api_id: each for api_id, each in self._served.items() if each.kept and api_id not in served}
        self._replace(stays | served)
        return warnings

    def put(self, api: EventApiDefinition) -> list[str]:
        """Serve one API, new or changed, beside the others; returns warnings. Raises ProjectError and changes
        nothing."""
        compiled = compile_event_api(api, self._parts, kept=True)
        self._replace({**self._served, api.api_id: compiled})
        return list(compiled.warnings)

    def remove(self, api_id: str) -> None:
        """Serve an API no longer; its websockets are closed."""
        self._replace({name: each for name, each in self._served.items() if name != api_id})

    def check(self, api: EventApiDefinition) -> None:
        """Raises ProjectError when it cannot be served as it is."""
        compile_event_api(api, self._parts)

    def apis(self) -> Sequence[EventApiDefinition]:
        return tuple(each.definition for each in self._served.values())

    def api(self, api_id: str) -> EventApiDefinition | None:
        served = self._served.get(api_id)
        return None if served is None else served.definition

    def on_removed(self, callback: Callable[[str], None]) -> None:
        """Set who hears that an API is served no longer."""
        self._removed = callback

    def on_broadcast(self, also: Broadcast) -> None:
        """Set who hears of broadcasts beside the subscribers here."""
        self._also = also

    def close(self) -> None:
        self._host.close()

    def take_place(self, api_id: str, asked: PublishAsked) -> Place:
        """The next place among the channel's publications; `publish` has to follow. Raises ChannelRefused."""
        namespace = self._namespace(api_id, asked.channel)
        return Place(api_id, asked, namespace, self._turns.take((api_id, asked.channel.segments)))

    async def publish(self, place: Place, asker: Asker) -> Published:
        """Run the handler and broadcast what it leaves; returns when everybody's frame is on its way. Raises
        ChannelRefused."""
        api_id, asked, namespace = place.api_id, place.asked, place.namespace
        with self._logged(api_id, asked.channel, "PUBLISH", asker) as log:
            try:
                events = incoming([self._ids.uuid() for _ in asked.events], asked.events)
                occasion = self._occasion(api_id, asked.channel, "PUBLISH", asker, events, log)
                left = await self._handled(namespace, occasion)
                await place.turn.come()
                deliveries, withheld = self._broadcast(api_id, asked.channel, left.texts)
            finally:
                place.turn.end()
            for flaw in left.flaws:
                why = "API %s: onPublish of %s returned %s; it is ignored"
                _log.warning(why, api_id, namespace.definition.name, flaw)
            done = answer(events, left.failures)
            if log is not None:
                log.failed = bool(done.failed)
        sizes = tuple(len(text.encode()) for text in left.texts)
        self._trace.emit(
            EventsPublished(
                api_id,
                asked.channel.path,
                len(events),
                len(done.failed),
                sizes,
                deliveries,
                withheld,
                "PUBLISH" in namespace.handlers,
            )
        )
        return done

    async def subscribe(self, api_id: str, channel: Channel, asker: Asker) -> None:
        """Ask the handler whether the subscription may be. Raises ChannelRefused."""
        namespace = self._namespace(api_id, channel)
        with self._logged(api_id, channel, "SUBSCRIBE", asker) as log:
            await self._handled(namespace, self._occasion(api_id, channel, "SUBSCRIBE", asker, (), log))
        self._trace.emit(ChannelSubscribed(api_id, channel.path, "SUBSCRIBE" in namespace.handlers))

    @contextlib.contextmanager
    def _logged(self, api_id: str, channel: Channel, operation: Operation, asker: Asker) -> Iterator[ChannelLog | None]:
        """The log of what happens inside, if the API has one; it is told when that is over."""
        api = self.api(api_id)  # it may have gone since the publication got its place
        definition = None if api is None else api.logs
        if definition is None:
            yield None
            return
        lines = LogLines(self._limits.request_log_bytes)
        log = ChannelLog(definition, api_id, operation, channel.path, asker, self._clock, lines)
        log.begin()
        status = 500
        try:
            yield log
            status = 200
        except ChannelRefused as refused:
            status = refused.status
            raise
        finally:
            self._trace.emit(RequestLogged(asker.request_id, api_id, log.end(status)))

    def _occasion(
        self,
        api_id: str,
        channel: Channel,
        operation: Operation,
        asker: Asker,
        events: Sequence[Incoming],
        log: ChannelLog | None,
    ) -> Occasion:
        deadline = self._clock.now() + self._limits.request_seconds
        return Occasion(api_id, channel, operation, asker, deadline, events, log)

    async def _handled(self, namespace: ServedNamespace, occasion: Occasion) -> Outgoing:
        handler = namespace.handlers.get(occasion.operation)
        if handler is None:
            return unchanged(occasion.events)
        key = f"request {occasion.asker.request_id}"
        try:
            async with Deadline(self._clock, self._limits.request_seconds, key):
                return await handler.handle(occasion)
        except TimeoutError:
            raise ChannelRefused("ExecutionTimeout", "Request timed out.", 403) from None

    def _broadcast(self, api_id: str, channel: Channel, texts: Sequence[str]) -> tuple[int, int]:
        """Frames that went out, and those that were withheld."""
        deliveries = withheld = 0
        for text in texts:
            size, most = len(text.encode()), self._limits.subscription_message_bytes
            if size > most:
                why = "API %s: an event of %s is not broadcast: %d bytes, AppSync's most are %d"
                _log.warning(why, api_id, channel.path, size, most)
                withheld += self.hub.broadcast(api_id, channel, None)
                self._also(api_id, channel, None)
                continue
            ending = data_ending(text)
            deliveries += self.hub.broadcast(api_id, channel, ending)
            self._also(api_id, channel, ending)
        return deliveries, withheld

    def _namespace(self, api_id: str, channel: Channel) -> ServedNamespace:
        served = self._served.get(api_id)
        if served is None:
            raise ChannelRefused("NotFoundException", f"Event API {api_id} not found.", 404)
        found = served.namespaces.get(channel.namespace)
        if found is None:
            message = f"The API has no channel namespace {channel.namespace}."
            raise ChannelRefused("BadRequestException", message)
        return found

    def _replace(self, served: Mapping[str, ServedEventApi]) -> None:
        gone = [api_id for api_id in self._served if api_id not in served]
        self._served = served
        for api_id in gone:
            self._removed(api_id)
