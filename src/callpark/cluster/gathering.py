"""Questions to all other nodes at once, and this node's answers to theirs.

Implements `kernel.others.Others`. A question is a call of the service `callpark`, which no client can make: it arrives
at the mount where nodes call each other. Nodes that are known to be silent are not asked.
"""

import asyncio
import logging

from callpark.cluster.members import Member, alive
from callpark.cluster.node import Node
from callpark.cluster.peers import Peers, Unreached
from callpark.cluster.placement import SERVICE
from callpark.cluster.wire import Asked
from callpark.kernel.deadline import Deadline
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Call, Operation, OperationTable
from callpark.kernel.others import Gathered, Members, Question, Questions

_log = logging.getLogger("callpark")


class Gathering:
    def __init__(self, node: Node, peers: Peers) -> None:
        self._node = node
        self._peers = peers
        self._questions: dict[str, Question] = {}

    @property
    def name(self) -> str:
        return self._node.me.name

    def answer(self, questions: Questions) -> None:
        """Answer these too, from now on."""
        self._questions |= questions

    def operations(self) -> OperationTable:
        """What the mount of the other nodes' calls offers."""
        return {(SERVICE, name): _operation(question) for name, question in self._questions.items()}

    async def ask(self, question: str, members: Members) -> Gathered:
        """All other members, those that leave included. Who fails is silent."""
        view = self._node.view
        others = [each for each in (*view.members, *view.leaving) if each.id != self._node.me.id]
        if not others:
            return Gathered()
        asked = Asked(SERVICE, question, dict(members), self._node.new_request_id(), {})
        answers = await asyncio.gather(*(self._answer(each, asked) for each in others))
        pairs = sorted(zip((each.name for each in others), answers, strict=True), key=lambda pair: pair[0])
        silent = [name for name, answer in pairs if answer is None]
        if silent:
            _log.warning("%s: no answer from node %s; what it knows is left out", question, ", ".join(silent))
        return Gathered({name: answer for name, answer in pairs if answer is not None}, silent)

    async def _answer(self, member: Member, asked: Asked) -> Members | None:
        node = self._node
        if not alive(node.standing, member.id, node.clock.now(), node.limits):
            return None
        try:
            async with Deadline(node.clock, node.limits.gather_seconds, f"{member.name}: {asked.operation}"):
                return (await self._peers.call(member, node.secret, asked)).members
        except (TimeoutError, CallerError, Unreached):
            return None


def _operation(question: Question) -> Operation:
    async def operation(call: Call) -> Members:
        return await question(call.parameters)

    return operation
