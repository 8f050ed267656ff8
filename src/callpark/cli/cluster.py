"""`callpark cluster`: a whole cluster on this machine, and how one stands."""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.markup import escape

from callpark.cli import exits, options, remote
from callpark.cli.durations import told
from callpark.cli.screen import answers, remarks
from callpark.kernel.errors import ProjectError

_NODES = Annotated[int, typer.Option(help="Nodes of callpark.", min=1, max=16)]
_SERVERS = Annotated[int, typer.Option(help="NATS servers; what is acknowledged is on most of them.", min=1, max=5)]
_PORT = Annotated[int, typer.Option(help="Port of the first node; the others follow. 0 picks free ones.", min=0)]
_DATA = Annotated[
    Path | None, typer.Option("--data", help="Folder for everything. Default: .callpark/cluster in the project.")
]

_STOP_SECONDS = 15.0


def up(
    project: options.Project = Path(),
    nodes: _NODES = 3,
    servers: _SERVERS = 3,
    port: _PORT = 4566,
    data: _DATA = None,
    limit: options.LimitAssignments = None,
) -> int:
    """Start nodes and NATS servers on loopback, for development and tests; one Ctrl-C ends all."""
    from callpark.cli.cluster_processes import free_ports, nats_server
    from callpark.cli.loop import run

    if not project.exists():
        raise ProjectError(f"there is no project at {project}", "name a folder with a template.yaml, or a flow file")
    nats_server()
    root = project if project.is_dir() else project.parent
    folder = (data or root / ".callpark" / "cluster").absolute()
    ports = free_ports(nodes) if port == 0 else list(range(port, port + nodes))
    more = [part for each in limit or [] for part in ("--limit", each)]
    return run(_up(project, folder, ports, servers, more))


async def _up(project: Path, folder: Path, ports: list[int], servers: int, more: list[str]) -> int:
    from callpark.cli.cluster_processes import Supervisor, write_servers
    from callpark.cli.serving import stop_signal
    from callpark.store.sqlite.directory import DirectoryLock

    stop = stop_signal()
    supervisor = Supervisor(_tell)
    stopped = asyncio.ensure_future(stop.wait())
    lock = DirectoryLock.take(folder)
    try:
        commands, store = write_servers(folder / "servers", servers)
        for number, command in enumerate(commands):
            supervisor.start(f"server s{number + 1}", command)
        started = []
        for number, port in enumerate(ports):
            name = f"n{number + 1}"
            own = ["--store", store, "--node-name", name, "--port", str(port), "--data", str(folder / name)]
            command = [sys.executable, "-m", "callpark", "start", str(project), *own, *more]
            started.append(supervisor.start(f"node {name}", command, exits.USAGE))
        ready = asyncio.gather(*(each.ready for each in started))
        await asyncio.wait((ready, stopped), return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            answers.print(f"[bold green]cluster ready[/] {' '.join(ready.result())}")
            answers.print(f"  store  {store}", markup=False)
            answers.print(f"  status callpark cluster status --endpoint {ready.result()[0]}", markup=False)
            remarks.print("Ctrl-C stops all of it", style="dim")
        else:
            ready.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ready
        await stopped
        remarks.print("stopping; Ctrl-C again ends it at once", style="dim")
        await supervisor.stop("node", _STOP_SECONDS)
        await supervisor.stop("server", _STOP_SECONDS)
    finally:
        stopped.cancel()
        await supervisor.close()
        lock.release()
    return exits.OK


_WELL = (
    " [INF]",
    "(attempt 1)",
    "Waiting for routing to be established",
    "JetStream has not established contact with a meta leader",
)
"""In lines of servers that tell nothing wrong: they meet one after another."""


def _tell(name: str, line: str) -> None:
    """What nodes say of what they serve is alike, a Ctrl-C is not theirs; servers tell too much of what is well."""
    remedy = len(line) - len(line.lstrip()) == len("error: ")
    if (line.startswith((" ", "export ", "Ctrl-C ")) and not remedy) or not line:
        return
    if name.startswith("server") and any(each in line for each in _WELL):
        return
    answers.print(f"{name:<10} {line}", markup=False, highlight=False, soft_wrap=True)


def status(
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT, output: options.OutputFormat = options.Output.TEXT
) -> int:
    """Show the members of a cluster, what each has in hand, and how the store stands; exits with 1 when something is
    wrong."""
    response = remote.request("GET", endpoint, "/_callpark/cluster")
    try:
        found = orjson.loads(response.content)
        found["members"], found["troubles"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise ProjectError(
            f"{endpoint} is no node of a cluster", "start it with --store nats://…, or `callpark cluster up`"
        ) from None
    if output is options.Output.JSON:
        answers.print_json(orjson.dumps(found).decode())
    else:
        _show(found)
    return exits.FINDINGS if found["troubles"] else exits.OK


# Any: JSON that our own server made (clustered/status.py).
def _show(found: dict[str, Any]) -> None:
    waiting = "unknown" if found["eventsWaiting"] is None else found["eventsWaiting"]
    told = f"epoch {found['epoch']}, protocol {found['protocol']}, as [bold]{escape(found['node'])}[/] sees it"
    answers.print(f"{told}; events waiting: {waiting}")
    for member in found["members"]:
        answers.print(_line(member, found["protocol"]), highlight=False)
        if not member.get("silent"):
            answers.print(_carried(member), highlight=False, style="dim")
    store = found["store"]
    if "leader" in store:
        replicas = [f"{each['name']} ({each['behind']} behind)" for each in store["replicas"]]
        words = [f"store via {store['server']}", f"leader {store['leader'] or 'none'}", *replicas]
        answers.print("  ".join(words), markup=False, highlight=False)
    for trouble in found["troubles"]:
        remarks.print(trouble, style="bold red", markup=False)


def _line(member: dict[str, Any], spoken: int) -> str:
    heard = member["heardSecondsAgo"]
    words = [
        f"  [bold]{escape(member['name'])}[/]",
        escape(member["url"]),
        member["state"],
        "not heard yet" if heard is None else f"heard {heard:g} s ago",
        f"version {member['version']}",
        *([f"protocol {member['protocol']}"] if member.get("protocol", 1) != spoken else []),
        *(["control planes"] if member["control"] else []),
        *(["logs"] if member["logs"] else []),
    ]
    return "  ".join(words)


def _carried(member: dict[str, Any]) -> str:
    return (
        f"    up {told(member['uptimeSeconds'])}, {member['running']} of {member['concurrencyShare']} runs, "
        f"{member['queues']} queues, {member['contacts']} contacts, {member['subscriptions']} subscriptions"
    )
