"""What the slices do when this node gains and loses things."""

import logging

from callpark.cluster.news import News
from callpark.cluster.node import Node
from callpark.cluster.placement import LOGS
from callpark.clustered.floor import SharedFloor
from callpark.flows.service import Flows
from callpark.functions.service import Functions
from callpark.kernel.clock import sleep
from callpark.kernel.tasks import Tasks
from callpark.logs.service import Logs
from callpark.queues.service import Queues
from callpark.store.ports import StoreFailure

_log = logging.getLogger("callpark")


class Slices:
    """`cluster.node.Tenant`: the slices stop and begin in an order in which none acts for what another has given up."""

    def __init__(
        self,
        node: Node,
        news: News,
        floor: SharedFloor,
        queues: Queues,
        functions: Functions,
        flows: Flows,
        logs: Logs,
    ) -> None:
        self._node = node
        self._floor = floor
        self._flows = flows
        self._tasks = Tasks("contacts of nodes that died")
        self._news = news
        self._queues = queues
        self._functions = functions
        self._logs = logs
        self._has_logs = False

    async def let_go(self) -> None:
        await self._floor.let_go()
        await self._functions.let_go()
        await self._queues.let_go()
        if self._has_logs and not self._node.holds(LOGS):
            self._has_logs = False
            await self._logs.flush()

    async def take_up(self) -> None:
        await self._news.renew_all()
        await self._queues.take_up()
        await self._functions.take_up()
        if not self._has_logs and self._node.holds(LOGS):
            await self._logs.reload()
            self._has_logs = True
        await self._flows.take_up()
        await self._floor.take_up()
        # A node that died is certain to be dead a little later, for some of those that stay.
        self._tasks.spawn(self._take_up_later(), "later")

    async def close(self) -> None:
        await self._tasks.aclose()

    async def _take_up_later(self) -> None:
        await sleep(self._node.clock, self._node.limits.silence_seconds, "contacts of nodes that died")
        try:
            await self._flows.take_up()
        except StoreFailure as failure:
            _log.warning("contacts cannot be taken up now: %s", failure)
