"""`callpark contacts ls | show`: contacts of a running server, open ones and those that have ended."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import orjson
import typer
from rich.markup import escape

from callpark.cli import durations, exits, options, remote
from callpark.cli.screen import answers, remarks

ContactId = Annotated[str, typer.Argument(metavar="CONTACT_ID", help="As `callpark contacts ls` and the logs show it.")]


def ls(
    state: Annotated[
        str | None, typer.Option(help="open, or one of scheduled, in-flow, waiting, queued, connected, ended.")
    ] = None,
    flow: Annotated[str | None, typer.Option(help="Only contacts of this flow: its name, id or ARN.")] = None,
    since: Annotated[str | None, typer.Option(help="Only those that were open within 30s, 10m, 2h, 1d.")] = None,
    limit: Annotated[int, typer.Option("-n", "--limit", help="At most so many, the newest.", min=1, max=1_000)] = 100,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """List contacts, the newest first."""
    query = {"limit": str(limit), "state": state, "flow": flow}
    query["since"] = None if since is None else f"{durations.seconds(since):g}"
    asked = urlencode({name: value for name, value in query.items() if value is not None})
    listed = _ask(endpoint, f"?{asked}")
    contacts = listed["contacts"]
    if output is options.Output.JSON:
        answers.print_json(orjson.dumps(listed).decode())
        return exits.OK
    if not contacts:
        remarks.print("no contacts", style="dim")
        return exits.OK
    rows = [("STATE", "CHANNEL", "FLOW", "CUSTOMER", "BEGAN", "LASTED", "ENDED BY", "CONTACT ID"), *map(_row, contacts)]
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        answers.print("  ".join([*cells, row[7]]), markup=False)
    if len(contacts) < listed["total"]:
        remarks.print(f"{len(contacts)} of {listed['total']} shown; -n shows more", style="dim")
    return exits.OK


def show(
    contact_id: ContactId,
    endpoint: options.Endpoint = options.DEFAULT_ENDPOINT,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """Tell the story of one contact: its blocks, its functions, the silence the customer heard."""
    shown = _ask(endpoint, f"/{quote(contact_id, safe='')}")
    if output is options.Output.JSON:
        answers.print_json(orjson.dumps(shown).decode())
        return exits.OK
    for text in _head(shown):
        answers.print(text)
    answers.print()
    for text in _blocks(shown["timeline"]):
        answers.print(text, markup=False)
    answers.print()
    _draw(shown)
    if not shown["complete"]:
        remarks.print("its story got too long; the rest is not kept (connect.story_bytes)", style="dim")
    if shown["log"] is not None:
        remarks.print(f"flow log: `callpark logs {shown['log']['group']} --request-id {contact_id}`", style="dim")
    return exits.OK


# Any: JSON of the shapes in flows/api/contacts.py, which is slow to import.
def _ask(endpoint: str, path: str) -> dict[str, Any]:
    remedy = "`callpark contacts ls` lists the contacts that are known"
    return remote.ask("GET", endpoint, f"/contacts{path}", remedy=remedy)


def _row(contact: dict[str, Any]) -> tuple[str, str, str, str, str, str, str, str]:
    ended = contact.get("endedAt")
    lasted = "" if ended is None else durations.told(ended - contact["initiatedAt"])
    return (
        contact["state"],
        contact["channel"],
        contact["flow"],
        contact.get("customer") or "",
        _instant(contact["initiatedAt"]),
        lasted,
        contact.get("disconnectReason") or "",
        contact["contactId"],
    )


def _head(shown: dict[str, Any]) -> Iterator[str]:
    contact = shown["contact"]
    yield f"[bold]{escape(contact['flow'])}[/] {contact['state']}  {contact['contactId']}"
    ways = [contact["channel"], contact["initiationMethod"]]
    ways += [f"from {contact['customer']}"] if contact.get("customer") else []
    ways += [f"to {contact['system']}"] if contact.get("system") else []
    yield f"  {escape(' '.join(ways))}, {_instant(contact['initiatedAt'])}"
    if contact.get("endedAt") is not None:
        detail = f": {contact['detail']}" if contact.get("detail") else ""
        span = durations.told(contact["endedAt"] - contact["initiatedAt"])
        yield f"  ended after {span}, {contact['disconnectReason']}{escape(detail)}"
    if len(shown["flows"]) > 1:
        yield f"  flows: {escape(', '.join(shown['flows']))}"
    for name, member in (("queue", "Queue"), ("agent", "Agent")):
        found = shown["record"].get(member)
        if found:
            yield f"  {name}: {escape(str(found.get('Name') or found.get('Username')))}"
    for name, value in shown["record"]["Attributes"].items():
        yield f"  {escape(f'{name} = {value}')}"


def _blocks(timeline: dict[str, Any]) -> Iterator[str]:
    """A line for each block: when, how long, which, what came of it. Blocks of a Continue branch are set in,
    those of an agent's hold flow are marked."""
    start = timeline["start"]
    for block in timeline["blocks"]:
        lasted = "stands here" if block["end"] is None else f"{block['end'] - block['start']:.1f} s"
        outcome = " → ".join(part for part in (block["result"], block["edge"]) if part)
        place = "agent: " if block["aside"] else "  " if block["branch"] else ""
        name = f"{place}{block['action']} ({block['type']})"
        yield f"  {block['start'] - start:>+8.1f} s  {lasted:>11}  {name}  {outcome}".rstrip()


def _draw(shown: dict[str, Any]) -> None:
    """The drawing of `callpark call`; what it needs is imported only here."""
    import msgspec

    from callpark.cli.timeline_view import draw
    from callpark.flows.timeline import Timeline

    timeline = msgspec.convert(shown["timeline"], Timeline)
    title = f"{timeline.seconds_of_silence:.1f} s of silence in {timeline.seconds:.1f} s"
    answers.print(draw(timeline, title, answers.width))


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")
