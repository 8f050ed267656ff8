"""`GET /_callpark/cluster`, asked by `callpark cluster status`: the members, what each carries, how the store stands.

Whichever node is asked asks the others; `troubles` says what is not as it should be, in words.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

import orjson

from callpark.cluster.gathering import Gathering
from callpark.cluster.members import Member
from callpark.cluster.node import Node
from callpark.cluster.placement import CONTROL, LOGS
from callpark.flows.service import Flows
from callpark.functions.service import Functions
from callpark.kernel.asgi import Receive, Scope, Send, path, respond
from callpark.kernel.deadline import Deadline
from callpark.kernel.others import Members, Questions
from callpark.queues.service import Queues
from callpark.store.ports import Store, StoreFailure

STATUS_PATH: Final = "/_callpark/cluster"
_CARRIED: Final = "Carried"
#: A replica that is further behind has lost touch rather than being a moment late.
_BEHIND_MESSAGES = 10_000


@runtime_checkable
class Conditioned(Protocol):
    """A store that can say how its servers stand."""

    async def condition(self) -> Mapping[str, object]:
        """Raises StoreFailure."""
        ...


class Carried:
    """What this node has in hand. `subscriptions` counts those whose sockets are here."""

    def __init__(
        self, node: Node, functions: Functions, queues: Queues, flows: Flows, subscriptions: Callable[[], int]
    ) -> None:
        self._node = node
        self._began = node.clock.now()
        self._functions = functions
        self._queues = queues
        self._flows = flows
        self._subscriptions = subscriptions

    def questions(self) -> Questions:
        return {_CARRIED: self._answer}

    def here(self) -> Members:
        functions = self._functions
        return {
            "uptimeSeconds": round(self._node.clock.now() - self._began, 1),
            "concurrencyShare": functions.unreserved_share(),
            "running": functions.running(),
            "queues": sum(self._queues.is_here(queue.name) for queue in self._queues.queues()),
            "contacts": len(self._flows.contacts()),
            "subscriptions": self._subscriptions(),
        }

    async def _answer(self, members: Members) -> Members:
        return self.here()


class StatusPage:
    def __init__(self, node: Node, gathering: Gathering, carried: Carried, functions: Functions, store: Store) -> None:
        self._node = node
        self._gathering = gathering
        self._carried = carried
        self._functions = functions
        self._store = store

    def matches(self, scope: Scope) -> bool:
        return scope["type"] == "http" and path(scope) == STATUS_PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        node = self._node
        gathered = await self._gathering.ask(_CARRIED, {})
        carried = {node.me.name: self._carried.here(), **gathered.said}
        store, waiting = await self._stored()
        answer: dict[str, object] = {
            "node": node.me.name,
            "epoch": node.view.epoch,
            "protocol": node.view.protocol,
            "settled": node.standing.settled == node.view.epoch,
            "fenced": node.fenced(),
            "eventsWaiting": waiting,
            "members": [
                {**self._member(each), **carried.get(each.name, {"silent": True})}
                for each in (*node.view.members, *node.view.leaving)
            ],
            "store": store,
        }
        answer["troubles"] = troubles(
            settled=node.standing.settled == node.view.epoch, fenced=node.fenced(), silent=gathered.silent, store=store
        )
        await respond(send, 200, orjson.dumps(answer), ((b"content-type", b"application/json"),), scope["method"])

    def _member(self, member: Member) -> dict[str, object]:
        node = self._node
        heard = node.standing.heard.get(member.id)
        ago = None if heard is None else round(max(0.0, node.clock.now() - heard.at), 3)
        return {
            "name": member.name,
            "id": member.id,
            "url": member.url,
            "version": member.version,
            "protocol": member.protocol,
            "state": "leaving" if member in node.view.leaving else "up",
            "control": _is(node.owner(CONTROL), member),
            "logs": _is(node.owner(LOGS), member),
            "heardSecondsAgo": 0.0 if member.id == node.me.id else ago,
        }

    async def _stored(self) -> tuple[Mapping[str, object], int | None]:
        """How the store stands, and how many events may run now."""
        try:
            async with Deadline(self._node.clock, self._node.limits.gather_seconds, "the store's condition"):
                condition = await self._store.condition() if isinstance(self._store, Conditioned) else {}
                return condition, await self._functions.events.due()
        except (StoreFailure, TimeoutError) as failure:
            return {"failure": str(failure) or "no answer"}, None


def troubles(*, settled: bool, fenced: bool, silent: Sequence[str], store: Mapping[str, object]) -> list[str]:
    """What an operator has to look at, one sentence each. Pure."""
    found = [f"node {name} does not answer" for name in silent]
    if fenced:
        found.append("most other nodes have not heard this one: it does nothing for the cluster now")
    elif not settled:
        found.append("things are changing hands")
    if "failure" in store:
        found.append(f"the store does not answer: {store['failure']}")
    if store.get("led") is False:
        found.append("the store's stream has no leader: nothing can be acknowledged")
    replicas = store.get("replicas", ())
    for replica in replicas if isinstance(replicas, Sequence) else ():
        if replica["offline"] or not replica["current"]:
            found.append(f"server {replica['name']} is {'offline' if replica['offline'] else 'not up to date'}")
        elif replica["behind"] > _BEHIND_MESSAGES:
            found.append(f"server {replica['name']} is {replica['behind']} messages behind")
    return found


def _is(owner: Member | None, member: Member) -> bool:
    return owner is not None and owner.id == member.id
