"""The composition root: builds each service once and wires them. The only place that knows all of them.

Opened and closed by `serving.py`.
"""

import os
from collections.abc import Callable

import msgspec

from callpark.adapters import (
    FunctionsForFlows,
    FunctionsForGraphql,
    OwnOperations,
    QueuesAsSource,
    QueuesForFunctions,
    UpstreamsForGraphql,
)
from callpark.cluster.files import share
from callpark.cluster.node import Node
from callpark.cluster.placement import Placed
from callpark.clustered.holding import ContactsOfNode, SourceOfNode
from callpark.clustered.joining import Joined, Services
from callpark.clustered.lines import Lines
from callpark.clustered.places import agent_socket, chat_file, chat_socket, contact_page, logs_page
from callpark.clustered.service import Clustered
from callpark.deployment import Deployment
from callpark.flows.agents.service import Agents
from callpark.flows.api.agent_socket import AgentSocket
from callpark.flows.api.attachment_web import AttachmentWeb
from callpark.flows.api.chat_socket import ChatSocket
from callpark.flows.api.contacts import ContactsPage
from callpark.flows.api.operations import operations as connect_operations
from callpark.flows.api.phone import PhoneSocket
from callpark.flows.chat.attachments import Attachments
from callpark.flows.chat.scanning import Scanner
from callpark.flows.chat.service import Chats
from callpark.flows.chat.streaming import Streaming
from callpark.flows.control.amending import TABLE as DECLARED_CONNECT
from callpark.flows.control.plane import ControlPlane as ConnectControlPlane
from callpark.flows.service import Flows
from callpark.functions.api.events import EventsPage
from callpark.functions.api.faults import FaultsPage
from callpark.functions.api.operations import operations
from callpark.functions.api.web import FunctionWeb
from callpark.functions.environments.fleet import Fleet
from callpark.functions.environments.ports import Environments
from callpark.functions.fault_injection import FaultyEnvironments, Plan
from callpark.functions.service import Functions
from callpark.functions.shared_faults import SharedPlan
from callpark.gateway import identity
from callpark.gateway.app import Gateway, Mount
from callpark.gateway.certificate import Certificate
from callpark.graphql.api.graphiql import GraphiqlPages
from callpark.graphql.api.operations import operations as graphql_operations
from callpark.graphql.api.web import GraphqlWeb
from callpark.graphql.api.well_known import WellKnown
from callpark.graphql.auth.local_pool import FILE as USER_POOL_FILE
from callpark.graphql.auth.local_pool import LocalPool
from callpark.graphql.auth.making import authenticator as made_authenticator
from callpark.graphql.channels.api.operations import operations as event_operations
from callpark.graphql.channels.api.web import ChannelsWeb
from callpark.graphql.channels.control.plane import DECLARED as DECLARED_EVENT_APIS
from callpark.graphql.channels.control.plane import EventControlPlane
from callpark.graphql.channels.service import EventApis
from callpark.graphql.control.plane import DECLARED as DECLARED_APIS
from callpark.graphql.control.plane import ControlPlane
from callpark.graphql.datasources.databases.pool import NamedDatabases
from callpark.graphql.datasources.outbound import Outbound
from callpark.graphql.datasources.port import Outside
from callpark.graphql.service import GraphqlService
from callpark.health import Health
from callpark.kernel.asgi import Scope
from callpark.kernel.clock import Clock, SystemClock
from callpark.kernel.ids import Ids
from callpark.kernel.operations import OperationTable
from callpark.kernel.others import ALONE, Others
from callpark.kernel.trace import Trace
from callpark.logs.api.live import LiveLogs
from callpark.logs.api.operations import operations as logs_operations
from callpark.logs.service import Logs
from callpark.metrics.api.operations import MetricOperations
from callpark.metrics.api.page import MetricsPage
from callpark.models.api.operations import operations as model_operations
from callpark.models.making import Making
from callpark.models.service import Models
from callpark.queues.api.operations import operations as queue_operations
from callpark.queues.api.web import QueuesWeb
from callpark.queues.service import Queues
from callpark.recording import Recording
from callpark.reporting import reported
from callpark.settings import Settings, Source
from callpark.store.amendments import NO_AMENDMENTS, Amendments, SharedAmendments
from callpark.store.ports import Store
from callpark.upstreams.calls import Upstreams
from callpark.upstreams.fallback import Fallback
from callpark.upstreams.fallback import installed as fallback_installed
from callpark.upstreams.passing import Passing


class App:
    """Every service, wired. `base_url` is where the server answers and what functions are told."""

    def __init__(
        self,
        settings: Settings,
        base_url: str,
        store: Store,
        *,
        clock: Clock,
        ids: Ids,
        environments: Callable[["App"], Environments] | None = None,
        node: Node | None = None,
    ) -> None:
        limits, place = settings.limits, settings.place
        together = self.together = None if node is None else Clustered(node, store, place)
        others: Others = ALONE if together is None else together.gathering
        self.settings = settings
        self.base_url = base_url
        self.clock = clock
        self.ids = ids
        self.trace = Trace(clock)
        self.store = store
        self.upstreams = Upstreams(
            clock=clock,
            ids=ids,
            limits=limits.upstream,
            place=place,
            assignments=settings.upstreams,
            fallback=Fallback(clock, place, limits.upstream, base_url) if fallback_installed() else None,
            own=lambda: self.own_operations,
        )
        self.environments: Environments = environments(self) if environments else self._fleet()
        self.faults = SharedPlan(store, others) if together is not None else Plan()
        faulty = FaultyEnvironments(self.environments, clock, self.trace, limits.lambda_, self.faults)
        self.queues = Queues(
            clock=clock,
            ids=ids,
            limits=limits.sqs,
            place=place,
            store=store,
            base_url=base_url,
            holds=lambda family: together is None or together.holds_family(family),
            tidies=lambda: together is None or together.tidies(),
            shared=together is not None,
        )
        source = QueuesAsSource(self.queues)
        self.functions = Functions(
            clock=clock,
            ids=ids,
            trace=self.trace,
            limits=limits,
            place=place,
            store=store,
            environments=faulty,
            directory=settings.data,
            base_url=base_url,
            queues=QueuesForFunctions(self.queues),
            source=source if together is None else SourceOfNode(source, together),
            upstreams=self.upstreams,
            custody=together,
            others=others,
        )
        self.models = Models(clock, limits=limits.models)
        for_flows = FunctionsForFlows(self.functions, lambda: self.deployment.instance.arn)
        custody = None if node is None else ContactsOfNode(node)
        neighbours = None if together is None else together.floor
        self.flows = Flows(clock, ids, self.trace, limits.connect, place, store, for_flows, custody, neighbours)
        self.connect_control = ConnectControlPlane(
            self.flows,
            store,
            clock=clock,
            ids=ids,
            limits=limits.connect,
            place=place,
            functions=for_flows,
            amendments=self._amendments(DECLARED_CONNECT),
        )
        self.chats = Chats(self.flows, clock, ids, limits.connect, store)
        self.agents = Agents(self.flows, self.chats)
        self.streaming = Streaming(self.flows, clock, ids, limits.connect, store, self.upstreams)
        self.scanner = Scanner(
            functions=for_flows,
            upstreams=self.upstreams,
            clock=clock,
            ids=ids,
            limits=limits.connect,
            function=self.connect_control.file_scanner,
            instance_arn=lambda: self.connect_control.arn,
        )
        self.attachments = Attachments(self.chats, self.flows, store, self.scanner, self.connect_control.chat_files)
        self.outbound = Outbound(clock)
        self.databases = NamedDatabases(settings.databases, clock, limits.appsync)
        outside = Outside(
            UpstreamsForGraphql(self.upstreams), self.outbound, self.databases, base_url=base_url, place=place
        )
        self.graphql = GraphqlService(clock, ids, self.trace, limits, FunctionsForGraphql(self.functions), outside)
        self.graphql_control = ControlPlane(
            self.graphql,
            store,
            clock=clock,
            ids=ids,
            limits=limits.appsync,
            place=place,
            base_url=base_url,
            others=others,
            amendments=self._amendments(DECLARED_APIS),
        )
        self.event_apis = EventApis(clock, ids, self.trace, limits, FunctionsForGraphql(self.functions), outside)
        self.event_control = EventControlPlane(
            self.event_apis,
            store,
            clock=clock,
            ids=ids,
            limits=limits.appsync,
            place=place,
            base_url=base_url,
            amendments=self._amendments(DECLARED_EVENT_APIS),
        )
        self.user_pool = LocalPool(settings.data)
        authenticator = made_authenticator(
            clock,
            limits.appsync,
            FunctionsForGraphql(self.functions),
            self.user_pool,
            account=place.account,
            key_sources=settings.key_sources,
            access_keys=settings.access_keys,
        )
        self.graphql_web = GraphqlWeb(self.graphql, authenticator, clock, ids, self.trace, limits)
        self.channels_web = ChannelsWeb(self.event_apis, authenticator, clock, ids, self.trace, limits)
        # Clients judge it by the machine's clock, whatever ours is.
        self.certificate = Certificate(settings.data, SystemClock(), limits.gateway.certificate_days)
        self.logs = Logs(clock, limits.logs, store)
        self.live_logs = LiveLogs(self.logs)
        self._lines = None if node is None else Lines(node, store, self.logs)
        self.recording = Recording(
            clock, limits.metrics, self.trace, self._lines or self.logs, lambda: self.deployment.instance_alias
        )
        metrics = self.recording.metrics
        self.deployment = Deployment(
            settings,
            upstreams=self.upstreams,
            models=self.models,
            making=Making(clock, ids, limits.models, os.environ),
            connect=self.connect_control,
            apis=self.graphql_control,
            event_apis=self.event_control,
            queues=self.queues,
            logs=self.logs,
            functions=self.functions,
            alone=together is None,
        )
        self.cloudwatch = MetricOperations(*metrics, others=others)
        made: OperationTable = {
            **operations(self.functions),
            **event_operations(self.event_control, graphql_operations(self.graphql_control)),
            **queue_operations(self.queues),
            **connect_operations(self.flows, self.chats, self.attachments, self.streaming, self.connect_control),
            **logs_operations(self.logs),
            **self.cloudwatch.table(),
            **model_operations(self.models, clock, ids, self.trace),
            **identity.OPERATIONS,
        }
        relayed = _served_here if together is None else together.relayed
        self._joined = None if together is None else self._join(together, made)
        served = made if self._joined is None else self._joined.operations
        mounts: list[Mount] = [] if self._joined is None else self._joined.mounts(limits.gateway.body_bytes)
        self.own_operations = OwnOperations(served, ids, place)
        settings.upstreams.check(self.own_operations.services, base_url)
        self.gateway = Gateway(
            operations=served,
            mounts=[
                *mounts,
                GraphiqlPages(self.graphql, clock),
                self.graphql_web,
                self.channels_web,
                WellKnown(self.user_pool, base_url),
                FunctionWeb(self.functions, clock, ids),
                QueuesWeb(self.queues, clock),
                PhoneSocket(self.flows),
                relayed(AgentSocket(self.agents), agent_socket),
                relayed(ChatSocket(self.chats), chat_socket),
                relayed(AttachmentWeb(self.attachments), chat_file),
                relayed(ContactsPage(self.flows, limits.connect), contact_page),
                EventsPage(self.functions.events_everywhere, limits.lambda_),
                FaultsPage(self.faults, self.functions),
                relayed(self.live_logs, logs_page),
                MetricsPage(self.functions.events.due, *metrics),
            ],
            ids=ids,
            limits=limits.gateway,
            place=place,
            health=lambda: msgspec.to_builtins(self.health()),
            foreign=Passing(self.upstreams, self.own_operations.services, place.region, limits.gateway),
        )

    def _join(self, together: Clustered, made: OperationTable) -> Joined:
        assert isinstance(self.faults, SharedPlan)
        assert self._lines is not None
        services = Services(
            functions=self.functions,
            faults=self.faults,
            queues=self.queues,
            flows=self.flows,
            agents=self.agents,
            connect_control=self.connect_control,
            graphql=self.graphql,
            hub=self.graphql_web.hub,
            graphql_control=self.graphql_control,
            event_apis=self.event_apis,
            event_control=self.event_control,
            logs=self.logs,
            metrics=self.cloudwatch,
        )
        return Joined(together, self.store, self._lines, services, made)

    def _amendments(self, table: str) -> Amendments:
        return NO_AMENDMENTS if self.together is None else SharedAmendments(self.store, table, self.base_url)

    def _fleet(self) -> Fleet:
        data = self.settings.data / "environments"
        return Fleet(self.clock, self.ids, self.trace, self.settings.limits, self.base_url, data)

    async def start(self, source: Source | None = None) -> None:
        """Take up what the store holds, then serve the project; among several nodes one after another does, and each
        becomes a member then. Raises ProjectError."""
        if self.together is None or self._joined is None:
            await self._start(source)
            return
        await self._joined.start()
        async with self.together.node.turn():
            await share(self.store, self.settings.data / USER_POOL_FILE, self.user_pool.document)
            await self._start(source)
        await self._joined.join()

    async def drain(self) -> None:
        """Among several nodes: let go of everything that another node can go on with."""
        if self.together is not None:
            await self.together.node.leave()

    async def _start(self, source: Source | None) -> None:
        reading = self.deployment.read(source)
        if isinstance(self.environments, Fleet):
            await self.environments.start()
        await self.queues.start()
        await self.logs.start()
        await self.functions.start()
        await self.graphql_control.start()
        await self.event_control.start()
        await self.connect_control.start()
        await self.deployment.serve(await reading)
        await self.chats.start()
        await self.flows.start(self.chats.reconnect)
        await self.attachments.start()
        self.streaming.open()

    async def close(self) -> None:
        if self._joined is not None:
            await self._joined.close()
        await self.graphql_web.aclose()
        await self.channels_web.aclose()
        await self.streaming.close()
        await self.attachments.close()
        await self.flows.close()
        self.graphql.close()
        self.event_apis.close()
        self.databases.close()
        await self.outbound.aclose()
        await self.functions.close()
        await self.environments.close()
        await self.queues.close()
        await self.models.close()
        await self.logs.close()
        await self.upstreams.close()
        if self.together is not None:
            await self.together.node.close()
            await self.together.peers.aclose()
        await self.store.close()

    def health(self) -> Health:
        """What `GET /_callpark/health` answers."""
        return reported(
            self.settings.place,
            self.base_url,
            functions=self.functions,
            apis=self.graphql.apis(),
            event_apis=self.event_apis.apis(),
            flows=self.connect_control.overview(),
            queues=self.queues.queues(),
            certificate=self.certificate,
            upstreams=self.upstreams.served_by(),
        )


def _served_here(mount: Mount, place: Callable[[Scope], Placed]) -> Mount:
    return mount
