"""`callpark flow check | convert | coverage`: flows looked at without calling anybody."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from callpark.cli import exits, options
from callpark.cli.screen import answers


def check(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH…", help="Flow files, folders of them, templates or projects.")
    ],
    output: Annotated[
        options.CheckOutput,
        typer.Option("-o", "--output", help="text for people, json for scripts, sarif for code scanners."),
    ] = options.CheckOutput.TEXT,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail, too.", show_default=False)] = False,
    silence: Annotated[
        float | None, typer.Option(help="Seconds of silence that callers put up with. Default: 10.", min=0.0)
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="CODE", help="Leave out CP301, CP301:flow or CP301:flow/block.")
    ] = None,
    limit: options.LimitAssignments = None,
    parameter: options.Parameters = None,
) -> int:
    """Look for what AWS refuses to publish, and for what callers would stumble over."""
    from callpark.cli.flow_checking import Asked, check_paths
    from callpark.cli.flow_findings import as_json, as_sarif, print_text
    from callpark.flows.checking.verdict import is_refused

    asked = Asked(options.limits(limit), options.parameters(parameter), silence, ignore or ())
    checked = check_paths(paths, asked)
    if output is options.CheckOutput.TEXT:
        print_text(checked, answers)
    else:
        value = as_json(checked) if output is options.CheckOutput.JSON else as_sarif(checked)
        answers.print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode(), markup=False)
    refused = is_refused([item.finding for item in checked.findings], strict=strict)
    return exits.FINDINGS if refused else exits.OK


def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export with modules and branches.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to write it. Default: print it.")
    ] = None,
    limit: options.LimitAssignments = None,
) -> int:
    """Write a flow of the legacy export format in the flow language."""
    from callpark.cli.flow_converting import convert_file

    return convert_file(file, output, options.limits(limit))


def coverage(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Written by `callpark call --coverage FILE`.")],
    output: options.OutputFormat = options.Output.TEXT,
    minimum: Annotated[
        float, typer.Option(help="Fail when any flow is covered less, in per cent.", min=0.0, max=100.0)
    ] = 0.0,
) -> int:
    """Show which branches of the flows calls have taken, and which they have not."""
    from callpark.cli.flow_coverage import read_recording, show_text
    from callpark.flows.coverage_file import merged, summary
    from callpark.kernel.errors import ProjectError

    for file in files:
        if not file.is_file():
            raise ProjectError(f"there is no coverage file {file}", "make one with `callpark call … --coverage FILE`")
    together = merged([read_recording(file) for file in files])
    if output is options.Output.JSON:
        answers.print_json(orjson.dumps(summary(together)).decode())
    else:
        show_text(together, answers)
    return exits.FINDINGS if any(flow.percent < minimum for flow in together.flows) else exits.OK
