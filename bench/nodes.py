"""NATS servers and nodes of callpark as processes, what they compute, and the project that they serve."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from tests.flows.building import content, function_arn, hang_up, invoke, say
from tests.journeys.servers import ServerProcess, started
from tests.store.nats.servers import Server

from bench import load
from bench.graphql import PUBLISH, SCHEMA
from bench.project import function
from callpark.cluster.members import Member, View, owner
from callpark.cluster.placement import function_key

HANDLER = """
import time

def nothing(event, context):
    return None

def instant(event, context):
    return {"at": repr(time.perf_counter())}
"""


def write_project(folder: Path) -> Path:
    """Nothing does nothing; Narrow, which one node runs, says when it returned; the flow Asking says what it said; an
    API publishes."""
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "app.py").write_text(HANDLER)
    asking = (
        invoke("ask", "told", "bye", LambdaFunctionARN=function_arn("Narrow")),
        say("told", "$.External.at", "bye"),
        hang_up(),
    )
    api_id = {"Fn::GetAtt": ["Api", "ApiId"]}
    runtime = {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
    resources = {
        "Nothing": function("Nothing", "src", "app.nothing"),
        "Narrow": function("Narrow", "src", "app.instant", ReservedConcurrentExecutions=4),
        "Asking": _resource("Connect::ContactFlow", Name="Asking", Type="CONTACT_FLOW", Content=content(*asking)),
        "Api": _resource("AppSync::GraphQLApi", Name="bench", AuthenticationType="API_KEY"),
        "Key": _resource("AppSync::ApiKey", ApiId=api_id),
        "Schema": _resource("AppSync::GraphQLSchema", ApiId=api_id, Definition=SCHEMA),
        "None": _resource("AppSync::DataSource", ApiId=api_id, Name="none", Type="NONE"),
        "Publish": _resource(
            "AppSync::Resolver",
            ApiId=api_id,
            TypeName="Mutation",
            FieldName="publish",
            DataSourceName="none",
            Runtime=runtime,
            Code=PUBLISH,
        ),
    }
    (folder / "template.json").write_text(json.dumps({"Resources": resources}))
    return folder


def _resource(kind: str, **properties: object) -> dict[str, object]:
    more = (
        {"InstanceArn": "arn:aws:connect:us-east-1:123456789012:instance/bench"} if kind.startswith("Connect") else {}
    )
    return {"Type": f"AWS::{kind}", "Properties": {**properties, **more}}


@dataclass(frozen=True, slots=True)
class Used:
    """Seconds of processor time: of nodes, of the handlers that they started, of each server, of the clients, which are
    in this process; what nobody on this machine used; and of the clock."""

    nodes: float
    handlers: float
    servers: tuple[float, ...]
    clients: float
    idle: float
    at: float

    @property
    def measured(self) -> float:
        return self.nodes + self.handlers + sum(self.servers)

    @property
    def cores(self) -> float:
        """How many cores there were for this, beside others' work."""
        return (self.measured + self.clients + self.idle) / self.at

    def without(self, resting: "Used") -> "Used":
        """What it would have been without what beats and waiting cost, as `resting` shows for some seconds."""
        share = self.at / resting.at
        servers = tuple(max(0.0, now - share * rest) for now, rest in zip(self.servers, resting.servers, strict=True))
        return replace(self, nodes=max(0.0, self.nodes - share * resting.nodes), servers=servers)

    def since(self, before: "Used") -> "Used":
        servers = tuple(now - then for now, then in zip(self.servers, before.servers, strict=True))
        return Used(
            self.nodes - before.nodes,
            self.handlers - before.handlers,
            servers,
            self.clients - before.clients,
            self.idle - before.idle,
            self.at - before.at,
        )


@dataclass(slots=True)
class Cluster:
    """Nodes n1, n2, … on servers; without servers one node on SQLite."""

    project: Path
    folder: Path
    servers: list[Server]
    stack: contextlib.AsyncExitStack
    nodes: list[ServerProcess] = field(default_factory=list)

    async def add(self) -> ServerProcess:
        name = f"n{len(self.nodes) + 1}"
        options: tuple[str, ...] = ()
        if self.servers:
            store = "nats://" + ",".join(server.url.removeprefix("nats://") for server in self.servers)
            options = ("--store", store, "--node-name", name)
        self.folder.mkdir(exist_ok=True)
        errors = self.stack.enter_context((self.folder / f"{name}.errors").open("wb"))
        running = started(self.project, self.folder / name, *options, errors=errors)
        node = await self.stack.enter_async_context(running)
        self.nodes.append(node)
        return node

    def used(self) -> Used:
        nodes = [node.process.pid for node in self.nodes]
        handlers = sum(_seconds(each, with_ended=True) for each in _below(nodes))
        handlers += sum(_seconds(each, with_ended=True) - _seconds(each) for each in nodes)
        servers = tuple(_seconds(server.process.pid) for server in self.servers if server.process is not None)
        return Used(sum(map(_seconds, nodes)), handlers, servers, time.process_time(), _idle(), time.perf_counter())

    async def events(self, count: int, connections: int) -> load.Report:
        """Acknowledgements, from all nodes alike."""
        shares = [connections // len(self.nodes)] * len(self.nodes)
        for place in range(connections % len(self.nodes)):
            shares[place] += 1
        requests = [
            load.Request(
                "POST",
                f"{node.endpoint}/2015-03-31/functions/Nothing/invocations",
                (("X-Amz-Invocation-Type", "Event"), ("Content-Type", "application/json")),
                b'{"message": "hi"}',
            )
            for node in self.nodes
        ]
        reports = await asyncio.gather(
            *(
                load.run(request, share, count * share // connections)
                for request, share in zip(requests, shares, strict=True)
                if share
            )
        )
        whole = load.Report(max(report.elapsed for report in reports))
        for report in reports:
            whole.latencies += report.latencies
            whole.statuses += report.statuses
        assert set(whole.statuses) == {202}, whole
        return whole

    async def done(self) -> None:
        """Until no event waits or runs."""
        async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
            while True:
                page = (await client.get(f"{self.nodes[0].endpoint}/_callpark/metrics")).text
                if "\ncallpark_events_waiting 0\n" in page:
                    return
                await asyncio.sleep(0.05)

    def owner(self, function_name: str) -> int:
        """The number of the node that runs a function with a share of its own."""
        members = tuple(Member(f"n{number}", f"n{number}", "") for number in range(1, len(self.nodes) + 1))
        found = owner(View(1, members), function_key(function_name))
        assert found is not None
        return members.index(found)


@contextlib.asynccontextmanager
async def cluster(project: Path, folder: Path, servers: list[Server]) -> AsyncIterator[Cluster]:
    """No node yet."""
    async with contextlib.AsyncExitStack() as stack:
        yield Cluster(project, folder, servers, stack)


def _seconds(process: int, with_ended: bool = False) -> float:
    """What a process has computed, all its threads; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11 : 15 if with_ended else 13])) / os.sysconf("SC_CLK_TCK")


def _idle() -> float:
    """Of all cores together, since the machine was started."""
    idle, waiting = Path("/proc/stat").read_text().split()[4:6]
    return (int(idle) + int(waiting)) / os.sysconf("SC_CLK_TCK")


def _below(roots: Iterable[int]) -> list[int]:
    """The processes that they started, and those that these started."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(int(folder.name))
    found: list[int] = []
    going = list(roots)
    while going:
        below = children.get(going.pop(), [])
        found += below
        going += below
    return found


async def stored(server: Server) -> int:
    """The sequence of the last message of the store's stream."""
    from nats.aio.client import Client

    client = Client()
    await client.connect([server.url])
    try:
        reply = await client.request("$JS.API.STREAM.INFO.callpark_default", timeout=5)
    finally:
        await client.close()
    state: Mapping[str, int] = json.loads(reply.data)["state"]
    return state["last_seq"]
