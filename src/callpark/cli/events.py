"""`callpark events ls | show | replay | redrive`: asynchronous events of a running server."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import orjson
import typer
from rich.markup import escape

from callpark.cli import exits, options, remote
from callpark.cli.durations import told
from callpark.cli.event_file import read_event
from callpark.cli.screen import answers, remarks
from callpark.kernel.errors import ProjectError

RequestId = Annotated[str, typer.Argument(metavar="REQUEST_ID", help="As the acknowledgement and the logs show it.")]


def ls(
    function: Annotated[str | None, typer.Argument(help="Only events of this function.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that succeeded, while remembered.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many of each kind.", min=1, max=1_000)] = 100,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """List events that wait, run, are to be retried or were discarded."""
    query = {"limit": str(limit)} | ({} if function is None else {"function": function})
    listed = _ask("GET", endpoint, f"?{urlencode(query)}")
    kinds = ("events", "discarded", "succeeded") if everything else ("events", "discarded")
    totals = {kind: listed["totals"][kind] for kind in kinds}
    if output is options.Output.JSON:
        answers.print_json(orjson.dumps({**{kind: listed[kind] for kind in kinds}, "totals": totals}).decode())
        return exits.OK
    events = [event for kind in kinds for event in listed[kind]]
    if not events:
        remarks.print("no events", style="dim")
    rows = [("STATUS", "FUNCTION", "RUNS", "AGE", "", "REQUEST ID"), *map(_row, events)]
    if events:
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            answers.print("  ".join([*cells, row[5]]), markup=False)
    if len(events) < sum(totals.values()):
        remarks.print(f"{len(events)} of {sum(totals.values())} shown; --limit shows more", style="dim")
    return exits.OK


def show(
    request_id: RequestId,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Tell the story of one event: attempts, delays, logs, where it went."""
    story = _ask("GET", endpoint, f"/{quote(request_id, safe='')}")
    if output is options.Output.JSON:
        answers.print_json(orjson.dumps(story).decode())
        return exits.OK
    standing, steps = story.get("standing"), story["steps"]
    if standing:
        reason = f" ({standing['reason']})" if standing.get("reason") else ""
        answers.print(f"[bold]{escape(_target(standing))}[/] {standing['status']}{escape(reason)}")
    start = standing["acceptedAt"] if standing else (steps[0]["at"] if steps else 0.0)
    answers.print(f"  from {_instant(start)}", markup=False, style="dim")
    nodes = max((len(step.get("node", "")) for step in steps), default=0)
    for step in steps:
        text = step.get("text", "").replace("\r", "\n").replace("\n", "\n" + " " * 27)
        where = f"{step['node']:<{nodes}} " if nodes else ""
        answers.print(f"  {step['at'] - start:>+9.3f} s  {where}{step['kind']:<11} {text}".rstrip(), markup=False)
    for name in ("payload", "response"):
        if story.get(name) is not None:
            answers.print(f"  {name:<24} {_cut(story[name].strip())}", markup=False)
    if not steps:
        hint = f"; `callpark logs {standing['function']} --since 2w --request-id {request_id}`" if standing else ""
        remarks.print(f"the server does not remember its steps any more{hint}", markup=False, style="dim")
    return exits.OK


def replay(
    request_id: RequestId,
    event: Annotated[
        str | None, typer.Option("--event", metavar="FILE|-", help="Send this instead; - reads standard input.")
    ] = None,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Send an event that has ended again, with the same payload or another; prints the new request id."""
    body = b"" if event is None else read_event(event)
    answer = _ask("POST", endpoint, f"/{quote(request_id, safe='')}/replay", body)
    if output is options.Output.JSON:
        answers.print_json(orjson.dumps(answer).decode())
    else:
        answers.print(f"accepted {answer['requestId']}", markup=False)
    return exits.OK


def redrive(
    function: Annotated[str | None, typer.Argument(help="All discarded events of this function.")] = None,
    request_id: Annotated[
        list[str] | None, typer.Option("--request-id", help="Only this discarded event; repeatable.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Discarded events of all functions.")] = False,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Send discarded events again; those that are accepted are no longer listed."""
    if function is None and not request_id and not everything:
        raise ProjectError("which events?", "name a function or a --request-id, or say --all")
    asked = {"function": function, "requestIds": request_id or None}
    answer = _ask("POST", endpoint, "/redrive", orjson.dumps(asked))
    redriven = answer["redriven"]
    refused = [event for event in redriven if "copy" not in event]
    if output is options.Output.JSON:
        answers.print_json(orjson.dumps(answer).decode())
    else:
        for event in redriven:
            outcome = event.get("copy") or f"refused: {event['refusal']}"
            answers.print(f"{event['requestId']} → {outcome}", markup=False)
        told_refused = f", {len(refused)} refused" if refused else ""
        nothing = "no discarded events" if function is None else f"no discarded events of {function}"
        done = f"{len(redriven) - len(refused)} sent again{told_refused}" if redriven else nothing
        remarks.print(done, style="dim", markup=False)
    return exits.FUNCTION_ERROR if refused else exits.OK


# Any: JSON of the shapes in functions/events/administration.py, which is slow to import.
def _ask(method: str, endpoint: str, path: str, body: bytes | None = None) -> dict[str, Any]:
    remedy = "`callpark events ls --all` lists the events that are known"
    return remote.ask(method, endpoint, f"/events{path}", body, remedy=remedy)


def _row(event: dict[str, Any]) -> tuple[str, str, str, str, str, str]:
    note = str(event.get("reason") or "")
    if "nextAt" in event:
        left = event["nextAt"] - event["acceptedAt"] - event["ageSeconds"]
        note = f"next in {told(left)}" if left > 0 else "next now"
    age = told(event["ageSeconds"])
    return event["status"], _target(event), str(event["attempts"]), age, note, event["requestId"]


def _target(event: dict[str, Any]) -> str:
    """What was invoked, as it was named: `Narrator` or `Narrator:live`."""
    return f"{event['function']}:{event['qualifier']}" if event.get("qualifier") else str(event["function"])


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="milliseconds").replace("+00:00", " UTC")


def _cut(text: str) -> str:
    return text if len(text) <= 400 else f"{text[:400]}… ({len(text)} characters)"
