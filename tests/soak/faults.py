"""What happens to a cluster: processes that are killed or stopped, networks that are cut, drawn from a seed.

`drawn` is pure; `Faults` carries one out at a time and says which nodes have to serve meanwhile. Called by
`cluster.py`.
"""

import asyncio
import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.soak.links import Link
from tests.soak.topology import NodeProcess, Topology

KINDS: Final = (
    "kill a node",
    "pause a node",
    "cut a node from all servers",
    "cut a node from its server",
    "cut a node from the other nodes",
    "cut the nodes from each other",
    "reset the connections of a node",
    "kill a server",
    "pause a server",
    "cut a server from the others",
    "cut what a server says to the others",
    "slow the links of a server",
)

_SLOW_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Fault:
    """`after` seconds of quiet; `target` is the number of a node or server; it stays for `seconds` more once the others
    serve again."""

    kind: str
    target: int
    after: float
    seconds: float


def drawn(seed: int, count: int, processes: int = 3, among: Sequence[str] = ()) -> list[Fault]:
    """Every kind about as often as every other one; `among` these, or all."""
    chance = random.Random(seed)
    kinds: list[str] = []
    while len(kinds) < count:
        kinds += chance.sample(among or KINDS, len(among or KINDS))
    return [
        Fault(kind, chance.randrange(processes), chance.uniform(0.5, 2.0), chance.uniform(0.0, 5.0))
        for kind in kinds[:count]
    ]


class Faults:
    def __init__(self, topology: Topology) -> None:
        self._all = topology

    async def begin(self, fault: Fault) -> Sequence[NodeProcess]:
        """The nodes that have to serve again while it lasts; none when what they own is out of their reach."""
        number, nodes = fault.target, self._all.nodes
        node, server = nodes[number], self._all.servers[number]
        others = [each for each in nodes if each is not node]
        match fault.kind:
            case "kill a node":
                await node.kill()
                return others
            case "pause a node":
                node.pause()
                return others
            case "cut a node from all servers":
                for link in self._all.stores[number]:
                    link.silence()
                return others
            case "cut a node from its server":
                for link in self._all.stores[number]:
                    if link.connections:
                        link.silence()
            case "cut a node from the other nodes":
                self._all.peers[number].silence()
                return ()
            case "cut the nodes from each other":
                for link in self._all.peers:
                    link.silence()
                return ()
            case "reset the connections of a node":
                for link in (*self._all.stores[number], self._all.peers[number]):
                    link.reset()
            case "kill a server":
                server.kill()
            case "pause a server":
                server.send(signal.SIGSTOP)
            case "cut a server from the others":
                for opened, accepted in self._routes(number):
                    opened.silence()
                    accepted.silence()
            case "cut what a server says to the others":
                for opened, accepted in self._routes(number):
                    opened.silence(back=False)
                    accepted.silence(towards=False)
            case "slow the links of a server":
                for link in self._of_server(number):
                    link.slow(_SLOW_SECONDS)
            case unknown:
                raise AssertionError(unknown)
        return nodes

    async def end(self, fault: Fault) -> None:
        node, server = self._all.nodes[fault.target], self._all.servers[fault.target]
        match fault.kind:
            case "kill a node":
                await node.start()
            case "pause a node":
                node.resume()
            case "kill a server":
                await asyncio.to_thread(server.start)
            case "pause a server":
                server.send(signal.SIGCONT)
            case _:
                for link in self._all.links():
                    link.heal()

    def _routes(self, number: int) -> list[tuple[Link, Link]]:
        """With each other server: the link that this one has opened, and the one that it has accepted."""
        routes = self._all.routes
        return [(routes[number, t], routes[t, number]) for t in range(len(self._all.servers)) if t != number]

    def _of_server(self, number: int) -> list[Link]:
        return [*(each[number] for each in self._all.stores), *(link for pair in self._routes(number) for link in pair)]
