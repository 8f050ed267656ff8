"""`python -m tests.rolling.newer start …`: callpark as its next version could be, beside nodes of this one.

It says more than this version does wherever that is allowed: a field more in what it tells other nodes and keeps in
rows, kinds of messages and calls that nobody knows yet. It speaks this version's protocol and the next one.
"""

import asyncio
import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from callpark.cluster import members, node, wire
from callpark.cluster.peers import Peers
from callpark.store.nats.store import NatsStore
from callpark.store.ports import Change, SetRow

VERSION = "99.0"
_STRUCTS = {"cluster-beats"}
_NEW_TOPIC_MESSAGE = msgspec.msgpack.encode({"kind": "of a newer version"})


def grown(data: bytes) -> bytes:
    """A struct with a field more; what is none stays as it is."""
    for decode, encode in (
        (msgspec.json.decode, msgspec.json.encode),
        (msgspec.msgpack.decode, msgspec.msgpack.encode),
    ):
        try:
            value = decode(data)
        except msgspec.MsgspecError:
            continue
        if isinstance(value, dict):
            return encode({**value, "ofANewerVersion": 1})
        return data
    return data


def _publish(before: Callable[[NatsStore, str, bytes], None]) -> Callable[[NatsStore, str, bytes], None]:
    def publish(store: NatsStore, topic: str, message: bytes) -> None:
        if topic in _STRUCTS:
            message = msgspec.msgpack.encode([*msgspec.msgpack.decode(message), "of a newer version"])
        before(store, topic, message)
        before(store, topic, _NEW_TOPIC_MESSAGE)

    return publish


def _commit(
    before: Callable[[NatsStore, Sequence[Change]], "asyncio.Future[None]"],
) -> Callable[[NatsStore, Sequence[Change]], "asyncio.Future[None]"]:
    def commit(store: NatsStore, changes: Sequence[Change]) -> "asyncio.Future[None]":
        return before(
            store,
            [
                msgspec.structs.replace(each, value=grown(each.value)) if isinstance(each, SetRow) else each
                for each in changes
            ],
        )

    return commit


def _frame(before: Callable[[object], bytes]) -> Callable[[object], bytes]:
    def frame(value: object) -> bytes:
        return before([*msgspec.msgpack.decode(before(value)[4:]), "of a newer version"])

    return frame


class _Greeter:
    """Asks each node that it calls something that this version does not know, first."""

    def __init__(self, before: Any) -> None:
        self.before = before
        self.asked: set[str] = set()

    async def call(self, peers: Peers, peer: members.Member, secret: str, asked: wire.Asked) -> object:
        if peer.id not in self.asked:
            self.asked.add(peer.id)
            new = wire.Asked("callpark", "OperationOfANewerVersion", {}, asked.request_id, {})
            try:
                await self.before(peers, peer, secret, new)
            except Exception as refusal:
                print(f"{peer.name} refuses: {refusal}", flush=True)
        return await self.before(peers, peer, secret, asked)


def become_newer() -> None:
    real, greeter = importlib.metadata.version, _Greeter(Peers.call)

    def version(distribution_name: str) -> str:
        return VERSION if distribution_name == "callpark" else real(distribution_name)

    async def call(self: Peers, peer: members.Member, secret: str, asked: wire.Asked) -> object:
        return await greeter.call(self, peer, secret, asked)

    for where, name, new in (
        (importlib.metadata, "version", version),
        (NatsStore, "publish", _publish(NatsStore.publish)),
        (NatsStore, "commit", _commit(NatsStore.commit)),
        (wire, "frame", _frame(wire.frame)),
        (Peers, "call", call),
    ):
        setattr(where, name, new)
    defaults = node.Node.__init__.__kwdefaults__
    assert defaults is not None, "the protocol is one"
    defaults["protocol"] = members.PROTOCOL + 1


if __name__ == "__main__":
    become_newer()
    from callpark.cli import main

    main()
