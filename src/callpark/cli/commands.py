"""All commands in one place, and what becomes of their errors."""

import errno
import functools
import logging
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Annotated, ParamSpec

import typer
from typer.exceptions import TyperException

from callpark.cli import (
    agent,
    auth,
    call,
    channels,
    chat,
    cluster,
    contacts,
    demo,
    dev,
    events,
    exits,
    faults,
    flow,
    graphql,
    invoke,
    limits,
    logs_command,
    models,
    queues,
    remote,
    start,
    status,
)
from callpark.cli.screen import RemarksHandler, answers, show_error
from callpark.kernel.errors import ProjectError

P = ParamSpec("P")

cli = typer.Typer(
    name="callpark",
    help="Asynchronous AWS Lambda the way Amazon Connect flows and AWS AppSync use it, on your machine.",
    epilog="Exit codes: 0 done, 1 the function or call failed or a check found something, 2 wrong usage or project, "
    "3 no server, 130 Ctrl-C (0 for a server that has stopped in order).",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@cli.callback(invoke_without_command=True)
def _first(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if show_version:
        answers.print(f"callpark {version('callpark')}", markup=False)
        raise typer.Exit
    if context.invoked_subcommand is None:
        answers.print(context.get_help(), markup=False)
        raise typer.Exit(exits.USAGE)


_EXAMPLES = {
    "start": ("callpark start examples/story-stream", "callpark start . --data /var/lib/callpark --port 8080"),
    "dev": ("callpark dev examples/story-stream", "callpark dev . --limit lambda.retry_base_seconds=1"),
    "call": (
        "callpark call flow.json --function AsyncExecution=./lambda_function.py:lambda_handler",
        "callpark call +441632960000 --project examples/payment-line --keys '4242#'",
        "callpark call +441632960000 --endpoint http://127.0.0.1:4566",
    ),
    "chat": (
        "callpark chat flow.json --function Answer=./answer.py:handler",
        "callpark chat Support --project . --say hello --say 'my order 17' -o json",
        "callpark chat Support --endpoint http://127.0.0.1:4566",
    ),
    "agent": (
        "callpark agent alice",
        "callpark agent alice --auto-accept -o json",
        "callpark agent alice --do 'wait offered' --do accept --do 'wait connected' --do 'say hello' --do hangup",
    ),
    "invoke": (
        "callpark invoke Narrator --event event.json",
        "echo '{}' | callpark invoke Narrator --event - --async",
        "callpark invoke CardCheck --project examples/payment-line",
    ),
    "status": ('eval "$(callpark status -o env)"', "callpark status -o json | jq .apis"),
    "cluster up": (
        "callpark cluster up examples/story-stream",
        "callpark cluster up . --nodes 2 --servers 1 --port 0",
    ),
    "cluster status": ("callpark cluster status", "callpark cluster status -o json | jq .members"),
    "limits": ("callpark limits", "callpark limits -o json --limit connect.words_per_minute=1000"),
    "demo": ("callpark demo",),
    "logs": (
        "callpark logs Narrator --follow",
        "callpark logs CardCheck --since 2h --filter 'ERROR -retry'",
        "callpark logs /aws/connect/callpark -o json | jq .message",
    ),
    "contacts ls": ("callpark contacts ls --state waiting", "callpark contacts ls --flow Payments --since 1h -o json"),
    "contacts show": ("callpark contacts show 1e2feb89-414c-443c-9027-c4d1c386bbc4",),
    "events ls": ("callpark events ls", "callpark events ls Narrator --all -o json"),
    "events show": ("callpark events show 1e2feb89-414c-443c-9027-c4d1c386bbc4",),
    "events replay": ("callpark events replay REQUEST_ID", "echo '{}' | callpark events replay REQUEST_ID --event -"),
    "events redrive": ("callpark events redrive Narrator", "callpark events redrive --all"),
    "flow check": (
        "callpark flow check flows/ --strict",
        "callpark flow check examples/payment-line --silence 5 --ignore CP114",
        "callpark flow check . -o sarif > flows.sarif",
    ),
    "flow convert": ("callpark flow convert old.json -o flow.json",),
    "flow coverage": (
        "callpark call flow.json --keys 1 --coverage calls.json",
        "callpark flow coverage calls.json --minimum 80",
    ),
    "auth token": (
        "callpark auth token --user ada --groups writers,admins",
        'curl -H "Authorization: $(callpark auth token --user ada)" …',
    ),
    "graphql query": (
        "callpark graphql '{ posts { id } }'",
        'callpark graphql add.graphql --variables \'{"title": "One"}\' --api Notes',
        "callpark graphql '{ me }' --header \"authorization: $(callpark auth token --user ada)\"",
        "callpark graphql --subscribe 'subscription { onToken { text } }'",
    ),
    "graphql eval_": (
        "callpark graphql eval resolvers/create.js --context context.json",
        "callpark graphql eval response.vtl --context - -o json",
    ),
    "channels publish": (
        'callpark channels publish /default/room \'{"text": "hi"}\'',
        "callpark channels publish /default/room hello 1 true --api chat",
    ),
    "channels subscribe": (
        "callpark channels subscribe '/default/*'",
        "callpark channels subscribe /default/room --count 1",
    ),
    "faults add": (
        "callpark faults add Narrator fail --deliveries 2",
        "callpark faults add CardCheck delay --seconds 30",
    ),
    "faults ls": ("callpark faults ls",),
    "faults clear": ("callpark faults clear", "callpark faults clear Narrator"),
    "models ls": ("callpark models ls", "callpark models ls --project examples/story-stream -o json"),
    "models show": ("callpark models show eu.anthropic.claude-3-haiku-20240307-v1:0",),
    "models pull": ("callpark models pull", "callpark models pull --embeddings"),
    "models ask": ("callpark models ask 'Tell me a story about a telephone.'",),
    "queues ls": ("callpark queues ls", "callpark queues ls -o json | jq .[].visible"),
    "queues peek": ("callpark queues peek orders --limit 3",),
    "queues send": (
        "callpark queues send orders '{\"id\": 1}' --attribute kind=new",
        "echo hello | callpark queues send orders.fifo - --group customer-7 --deduplication 1",
    ),
    "queues purge": ("callpark queues purge orders",),
    "queues redrive": ("callpark queues redrive orders-dead", "callpark queues redrive dead --to orders --rate 10"),
}


events_cli = typer.Typer(
    name="events", help="Asynchronous events: what waits, what became of one, sending one again.", no_args_is_help=True
)
cli.add_typer(events_cli)
models_cli = typer.Typer(
    name="models", help="Models: who answers for Bedrock's ids, getting a real one, trying it.", no_args_is_help=True
)
cli.add_typer(models_cli)
queues_cli = typer.Typer(
    name="queues", help="Queues: what they hold, a look at messages, sending, moving them back.", no_args_is_help=True
)
cli.add_typer(queues_cli)
contacts_cli = typer.Typer(name="contacts", help="Contacts: which there are, what became of one.", no_args_is_help=True)
cli.add_typer(contacts_cli)
flow_cli = typer.Typer(
    name="flow", help="Flows: checking them, converting old exports, what calls covered.", no_args_is_help=True
)
cli.add_typer(flow_cli)
auth_cli = typer.Typer(name="auth", help="Authorization: tokens for clients in development.", no_args_is_help=True)
cli.add_typer(auth_cli)
graphql_cli = typer.Typer(
    name="graphql",
    help="A query, mutation or subscription of an API; `graphql eval` evaluates a resolver's code or template.",
    cls=graphql.QueryFirst,
    no_args_is_help=True,
)
cli.add_typer(graphql_cli)
channels_cli = typer.Typer(
    name="channels", help="AppSync Events: publishing to channels, listening to them.", no_args_is_help=True
)
cli.add_typer(channels_cli)
cluster_cli = typer.Typer(
    name="cluster", help="Several nodes that act as one: a whole cluster here, how one stands.", no_args_is_help=True
)
cli.add_typer(cluster_cli)
faults_cli = typer.Typer(
    name="faults", help="Faults for tests: let the next deliveries to a function go wrong.", no_args_is_help=True
)
cli.add_typer(faults_cli)


def _command(function: Callable[P, int], group: typer.Typer = cli) -> None:
    """Register a command: what it returns is the exit code."""
    examples = _EXAMPLES[function.__name__ if group is cli else f"{group.info.name} {function.__name__}"]

    @functools.wraps(function)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        raise typer.Exit(function(*arguments, **options))

    group.command(
        function.__name__.rstrip("_"),
        epilog="\n\n".join(["[bold]Examples[/]", *[f"  {example}" for example in examples]]),
    )(run)


for function in (
    start.start,
    dev.dev,
    call.call,
    chat.chat,
    agent.agent,
    invoke.invoke,
    logs_command.logs,
    status.status,
    limits.limits,
):
    _command(function)
_command(demo.demo)
for event_function in (events.ls, events.show, events.replay, events.redrive):
    _command(event_function, events_cli)
for model_function in (models.ls, models.show, models.pull, models.ask):
    _command(model_function, models_cli)
for queue_function in (queues.ls, queues.peek, queues.send, queues.purge, queues.redrive):
    _command(queue_function, queues_cli)
for contact_function in (contacts.ls, contacts.show):
    _command(contact_function, contacts_cli)
for flow_function in (flow.check, flow.convert, flow.coverage):
    _command(flow_function, flow_cli)
_command(auth.token, auth_cli)
for graphql_function in (graphql.query, graphql.eval_):
    _command(graphql_function, graphql_cli)
for channel_function in (channels.publish, channels.subscribe):
    _command(channel_function, channels_cli)
for cluster_function in (cluster.up, cluster.status):
    _command(cluster_function, cluster_cli)
for fault_function in (faults.add, faults.ls, faults.clear):
    _command(fault_function, faults_cli)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code. Errors of the user are shown: first line the cause, second the remedy."""
    logging.basicConfig(handlers=[RemarksHandler()], level=logging.WARNING, format="%(message)s")
    try:
        code = cli(args=list(arguments), prog_name="callpark", standalone_mode=False)
    except ProjectError as error:
        show_error(error)
        return exits.USAGE
    except remote.Unreachable as error:
        return remote.explain(error)
    except remote.Stranger as error:
        return remote.explain_stranger(error.endpoint)
    except typer.Abort:
        return exits.INTERRUPTED
    except TyperException as error:
        show_error(ProjectError(_sentence(error), f"`{_help_line(arguments)}` shows how"))
        return exits.USAGE
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        show_error(ProjectError("the output cannot be written: no space is left", "make room where it goes"))
        return exits.USAGE
    return code if isinstance(code, int) else exits.OK


def _help_line(arguments: Sequence[str]) -> str:
    """The help of the command that was meant, as far as it can be told."""
    words = [word for word in arguments if not word.startswith("-")]
    path = next((" ".join(words[:length]) for length in (2, 1) if " ".join(words[:length]) in _helped()), "")
    return " ".join(["callpark", *([path] if path else []), "--help"])


def _helped() -> set[str]:
    groups = [group.typer_instance for group in cli.registered_groups if group.typer_instance is not None]
    within = {f"{group.info.name} {name}" for group in groups for name in _names(group)}
    return {*_names(cli), *(str(group.info.name) for group in groups), *within}


def _names(group: typer.Typer) -> list[str]:
    return [command.name for command in group.registered_commands if command.name]


def _sentence(error: TyperException) -> str:
    """Typer's message in one line, without its ending."""
    told = getattr(error, "format_message", lambda: str(error))()
    return " ".join(str(told).split()).rstrip(".")
