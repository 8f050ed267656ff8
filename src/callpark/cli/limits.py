"""`callpark limits`: every AWS number callpark uses, with its source."""

import orjson
from rich.table import Table

from callpark.cli import exits, options
from callpark.cli.screen import answers


def limits(
    limit: options.LimitAssignments = None,
    output: options.OutputFormat = options.Output.TEXT,
) -> int:
    """List every limit with its value, unit and source."""
    rows = options.limits(limit).rows()
    if output is options.Output.JSON:
        answers.print_json(
            orjson.dumps([{"name": n, "value": v, "unit": u, "source": s} for n, v, u, s in rows]).decode()
        )
        return exits.OK
    table = Table(box=None)
    table.add_column("limit", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("source", overflow="fold")
    for name, value, unit, source in rows:
        table.add_row(name, f"{value:,}", unit, source)
    answers.print(table)
    return exits.OK
