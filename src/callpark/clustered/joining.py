"""The application joined to the others: its services hear of the cluster, answer other nodes, and stop in order.

Made by `app.py` when there is a node, of the services that it has made.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from callpark.clustered.lines import Lines
from callpark.clustered.publications import Publications
from callpark.clustered.service import Clustered
from callpark.clustered.slices import Slices
from callpark.flows.agents.service import Agents
from callpark.flows.control.plane import ControlPlane as ConnectControlPlane
from callpark.flows.service import Flows
from callpark.functions.service import Functions
from callpark.functions.shared_faults import SharedPlan
from callpark.gateway.app import Mount
from callpark.graphql.channels.control.plane import EventControlPlane
from callpark.graphql.channels.service import EventApis
from callpark.graphql.control.plane import ControlPlane
from callpark.graphql.realtime.hub import Hub
from callpark.graphql.service import GraphqlService
from callpark.kernel.operations import OperationTable
from callpark.logs.service import Logs
from callpark.metrics.api.operations import MetricOperations
from callpark.queues.service import Queues
from callpark.store.ports import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Those that have to do with other nodes."""

    functions: Functions
    faults: SharedPlan
    queues: Queues
    flows: Flows
    agents: Agents
    connect_control: ConnectControlPlane
    graphql: GraphqlService
    hub: Hub
    graphql_control: ControlPlane
    event_apis: EventApis
    event_control: EventControlPlane
    logs: Logs
    metrics: MetricOperations


class Joined:
    """`operations` are this node's own. Order of life: made, `start`, the project applied in the node's turn, `join`,
    `close`."""

    def __init__(
        self, together: Clustered, store: Store, lines: Lines, services: Services, operations: OperationTable
    ) -> None:
        node = together.node
        self._together = together
        self._lines = lines
        self._services = services
        for asked in (
            services.functions.events_everywhere,
            services.graphql_control,
            services.metrics,
            services.faults,
        ):
            together.gathering.answer(asked.questions())
        refresh: dict[str, Callable[[], Awaitable[None]]] = {
            "lambda": services.functions.refresh,
            "sqs": services.queues.refresh,
            "appsync": self._refresh_apis,
            "connect": services.connect_control.refresh,
            "faults": services.faults.refresh,
        }
        #: As the gateway shall have them: each done by its owner.
        self.operations = together.bind(
            queues=services.queues, flows=services.flows, refresh=refresh, operations=operations
        )
        self._publications = Publications(node, store, services.hub, services.graphql, services.event_apis)
        together.floor.bind(services.flows, services.agents, store)
        self._tenant = Slices(
            node,
            together.news,
            together.floor,
            services.queues,
            services.functions,
            services.flows,
            services.logs,
        )
        node.attend(self._tenant)

    def mounts(self, body_bytes: int) -> list[Mount]:
        """What nodes and operators ask of this one."""
        return [*self._together.mounts(body_bytes, self._services.functions, self._subscriptions)]

    async def start(self) -> None:
        """Heard, and hearing; not yet a member. Raises StoreFailure, and ProjectError."""
        await self._together.node.start()
        self._together.news.start()
        self._together.floor.start()
        self._publications.start()
        self._lines.start()

    async def join(self) -> None:
        """A member, with what is its own. Raises ProjectError."""
        await self._together.node.join()
        await self._together.shares.start(self._services.functions)

    async def close(self) -> None:
        self._publications.close()
        self._lines.close()
        await self._tenant.close()
        await self._together.floor.close()
        self._together.shares.close()
        await self._together.news.close()

    def _subscriptions(self) -> int:
        events = self._services.event_apis
        channels = sum(events.hub.subscriptions(api.api_id) for api in events.apis())
        return channels + sum(self._services.hub.subscriptions().values())

    async def _refresh_apis(self) -> None:
        await self._services.graphql_control.refresh()
        await self._services.event_control.refresh()
