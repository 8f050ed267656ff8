"""`callpark limits`: every AWS number callpark uses, with its source."""

import orjson
from rich.table import Table

from callpark.cli import options
from callpark.cli.screen import answers


def limits(
    limit: options.LimitAssignments = None,
    output: options.OutputFormat = options.Output.TEXT,
) -> None:
    """List every limit with its value, unit and source."""
    rows = options.limits(limit).rows()
    if output is options.Output.JSON:
        answers.print_json(
            orjson.dumps([{"name": n, "value": v, "unit": u, "source": s} for n, v, u, s in rows]).decode()
        )
        return
    table = Table("limit", "value", "unit", "source", box=None)
    for name, value, unit, source in rows:
        table.add_row(name, f"{value:,}", unit, source)
    answers.print(table)
