"""`callpark faults add | ls | clear`: let the next deliveries to a function of a running server go wrong."""

from typing import Annotated
from urllib.parse import urlencode

import orjson
import typer
from rich.markup import escape

from callpark.cli import exits, options, remote
from callpark.cli.screen import answers, remarks
from callpark.functions.faults import KINDS
from callpark.kernel.errors import ProjectError


def add(
    function: Annotated[str, typer.Argument(help="The function's name.")],
    kind: Annotated[str, typer.Argument(help=" | ".join(KINDS))],
    deliveries: Annotated[int, typer.Option("-n", "--deliveries", help="How many, retries included.", min=1)] = 1,
    seconds: Annotated[float, typer.Option(help="How long, for delay.", min=0.0)] = 0.0,
    error_type: Annotated[str | None, typer.Option(help="errorType, for fail.")] = None,
    message: Annotated[str | None, typer.Option(help="errorMessage, for fail.")] = None,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Throttle, fail, crash, delay or duplicate the next deliveries, synchronous invocations and events alike."""
    if kind not in KINDS:
        raise ProjectError(f"no fault is called {kind!r}", f"there is {', '.join(KINDS)}")
    if (seconds > 0) != (kind == "delay"):
        raise ProjectError("seconds, more than 0, are for delay, and only for it", "as in: delay --seconds 30")
    fault: dict[str, object] = {"function": function, "kind": kind, "deliveries": deliveries, "seconds": seconds}
    if error_type is not None:
        fault["errorType"] = error_type
    if message is not None:
        fault["message"] = message
    return _ask("POST", endpoint, "", orjson.dumps(fault), output=output)


def ls(
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT, output: options.OutputFormat = options.Output.TEXT
) -> int:
    """List what is still to go wrong."""
    return _ask("GET", endpoint, "", output=output)


def clear(
    function: Annotated[str | None, typer.Argument(help="Only this function's.")] = None,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Let nothing more go wrong."""
    query = "" if function is None else f"?{urlencode({'function': function})}"
    return _ask("DELETE", endpoint, query, output=output)


def _ask(method: str, endpoint: str, query: str, body: bytes | None = None, *, output: options.Output) -> int:
    remedy = "`callpark status` lists the functions"
    answer = remote.ask(method, endpoint, f"/faults{query}", body, remedy=remedy)
    if output is options.Output.JSON:
        answers.print_json(orjson.dumps(answer).decode())
        return exits.OK
    for fault in answer["faults"]:
        times = "next delivery" if fault["deliveries"] == 1 else f"next {fault['deliveries']} deliveries"
        how = f" by {fault['seconds']:g} s" if fault["kind"] == "delay" else ""
        answers.print(f"{escape(fault['function'])}: {fault['kind']} the {times}{how}")
    if not answer["faults"]:
        remarks.print("no faults", style="dim")
    return exits.OK
