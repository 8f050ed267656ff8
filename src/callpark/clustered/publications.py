"""How what is published on one node reaches the subscribers of the others, and what is evicted their caches."""

from collections.abc import Callable
from typing import Final

import msgspec
import orjson

from callpark.cluster.node import Node
from callpark.graphql.channels.channel import Channel
from callpark.graphql.channels.service import EventApis
from callpark.graphql.messages import Eviction, Invalidation, Publication
from callpark.graphql.realtime.hub import Hub
from callpark.graphql.service import GraphqlService
from callpark.store.ports import Store

_PUBLICATIONS: Final = "cluster-publications"
_decode_publication = msgspec.msgpack.Decoder(tuple[str, str, str, str, bytes | None]).decode


class Publications:
    """What subscribers of other nodes get to hear: each node tells the others once, they tell their own subscribers. A
    maker's publications come in order."""

    def __init__(self, node: Node, store: Store, hub: Hub, graphql: GraphqlService, events: EventApis) -> None:
        self._node = node
        self._store = store
        self._hub = hub
        self._graphql = graphql
        self._events = events
        graphql.on_publish(self.publish)
        graphql.on_invalidate(self.invalidate)
        graphql.on_evict(self.evict)
        events.on_broadcast(self.broadcast)
        self._end: Callable[[], None] | None = None

    def start(self) -> None:
        self._end = self._store.subscribe(_PUBLICATIONS, self._hear)

    def close(self) -> None:
        if self._end is not None:
            self._end()

    def publish(self, publication: Publication) -> None:
        self._hub.publish(publication)
        self._tell("publish", publication.api_id, publication.field_name, orjson.dumps(publication.value))

    def invalidate(self, invalidation: Invalidation) -> None:
        self._hub.invalidate(invalidation)
        self._tell("invalidate", invalidation.api_id, invalidation.field_name, orjson.dumps(invalidation.payload))

    def broadcast(self, api_id: str, channel: Channel, ending: bytes | None) -> None:
        self._tell("broadcast", api_id, "/".join(channel.segments), ending)

    def evict(self, eviction: Eviction) -> None:
        self._tell("evict", eviction.api_id, "", orjson.dumps(eviction.parameters))

    def _tell(self, kind: str, api_id: str, name: str, value: bytes | None) -> None:
        self._store.publish(_PUBLICATIONS, msgspec.msgpack.encode((self._node.me.name, kind, api_id, name, value)))

    def _hear(self, message: bytes) -> None:
        origin, kind, api_id, name, value = _decode_publication(message)
        if origin == self._node.me.name:
            return
        match kind:
            case "publish":
                self._hub.publish(Publication(api_id, name, orjson.loads(value or b"null")))
            case "invalidate":
                self._hub.invalidate(Invalidation(api_id, name, orjson.loads(value or b"null")))
            case "evict":
                self._graphql.evict(Eviction(api_id, orjson.loads(value or b"[]")))
            case "broadcast":
                self._events.hub.broadcast(api_id, Channel(tuple(name.split("/"))), value)
