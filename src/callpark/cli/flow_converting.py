"""A legacy export on disk → the flow language, as `callpark flow convert` writes it: whole, or not at all."""

import os
from pathlib import Path

import orjson

from callpark.cli import exits
from callpark.cli.screen import answers, remarks
from callpark.flows.language import parse_flow
from callpark.flows.legacy.convert import convert
from callpark.flows.legacy.document import Unconvertible, read_legacy
from callpark.flows.model import FlowDefinition
from callpark.flows.validate import publish_problems
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.projects.flow_file import written_type
from callpark.projects.template import read_text


def convert_file(path: Path, output: Path | None, limits: Limits) -> int:
    """Write it to `output`, or print it. Raises ProjectError for what is no legacy export."""
    text = read_text(path, limits.project.template_bytes)
    try:
        conversion = convert(read_legacy(text, path.name))
    except Unconvertible as reason:
        raise ProjectError(f"{path.name}: {reason}", "export the flow again") from None
    if conversion.left:
        for line in conversion.left:
            remarks.print(f"not converted: {line}", markup=False)
        remarks.print(
            f"{len(conversion.left)} of the blocks could not be converted; nothing was written. Import the file into "
            "the Amazon Connect console and export it again, or replace the blocks there first."
        )
        return exits.FINDINGS
    converted = orjson.dumps(conversion.document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    _remark_problems(path, converted.decode(), limits)
    if output is None:
        answers.print(converted.decode(), markup=False, end="")
    else:
        _write(output, converted)
        remarks.print(f"wrote {output}", style="dim", markup=False)
    return exits.OK


def _remark_problems(path: Path, content: str, limits: Limits) -> None:
    """What would still keep AWS from publishing it: mostly branches that were never wired."""
    type_ = written_type(orjson.loads(content))
    flow = parse_flow(FlowDefinition(path.stem, "", content, type_, source=path))
    for problem in publish_problems(flow, limits.connect):
        remarks.print(f"{problem}", markup=False)


def _write(output: Path, content: bytes) -> None:
    fresh = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        fresh.write_bytes(content)
        fresh.replace(output)
    except OSError as error:
        raise ProjectError(
            f"{output} cannot be written: {error.strerror}", "name a file in a folder there is"
        ) from None
