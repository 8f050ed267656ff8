"""`callpark graphql eval`: one handler or template evaluated in this process, shown with what it left behind."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import orjson
from rich.markup import escape

from callpark.cli import exits, options
from callpark.cli.loop import run
from callpark.cli.screen import answers, remarks
from callpark.graphql.runtimes.evaluating import Evaluated, evaluate_code, evaluate_template
from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.graphql.runtimes.vtl.host import VtlHost
from callpark.kernel.clock import SystemClock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import Limits

_CODE = (".js", ".mjs", ".cjs")
_TEMPLATES = (".vtl", ".vm")
_EXPORT = re.compile(r"^\s*export\b", re.MULTILINE)
_PLACE = re.compile(r"^(?:code\.js:)?(\d+):(\d+): ")
_AROUND = 2
"""Lines of code shown above the one that is meant."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says: the file and its text, the context's text, the handler."""

    file: Path
    source: str
    context: str
    function: str
    limits: Limits

    @property
    def is_code(self) -> bool:
        """By the file's name, else by an `export` in it."""
        suffix = self.file.suffix.lower()
        return suffix in _CODE or (suffix not in _TEMPLATES and _EXPORT.search(self.source) is not None)


def evaluate_file(asked: Asked, output: options.Output) -> int:
    """The exit code. Raises ProjectError for a context that is no object."""
    try:
        evaluated = run(_evaluate(asked))
    except CallerError as error:
        raise ProjectError(error.message, 'write one, as in {"arguments": {"id": 1}}') from error
    if output is options.Output.JSON:
        answers.print(orjson.dumps(as_json(evaluated), option=orjson.OPT_INDENT_2).decode(), markup=False)
    else:
        _show(asked, evaluated)
    return exits.FUNCTION_ERROR if evaluated.error is not None else exits.OK


def as_json(evaluated: Evaluated) -> dict[str, object]:
    """The answer with its JSON texts read."""
    members: dict[str, object] = {"logs": list(evaluated.logs)}
    texts = {"result": evaluated.result, "stash": evaluated.stash, "outErrors": evaluated.out_errors}
    members |= {name: _read(text) for name, text in texts.items() if text is not None}
    if evaluated.error is not None:
        members["error"] = {"message": evaluated.error.message, "codeErrors": list(evaluated.error.code_errors)}
    return members


def frame(source: str, line: int, column: int, span: int = 1) -> Iterator[str]:
    """The line that is meant, those above it, and carets below it."""
    lines = source.splitlines()
    width = len(str(line))
    for number in range(max(1, line - _AROUND), min(line, len(lines)) + 1):
        mark = ">" if number == line else " "
        yield f"{mark} {number:>{width}} | {lines[number - 1]}".rstrip()
    if line <= len(lines):
        yield f"  {'':>{width}} | {' ' * (column - 1)}{'^' * max(1, span)}"


async def _evaluate(asked: Asked) -> Evaluated:
    clock, ids, limits = SystemClock(), SystemIds(), asked.limits.appsync
    if asked.is_code:
        host = JavaScriptHost(clock, ids, limits)
        try:
            return await evaluate_code(host, asked.source, asked.context, asked.function)
        finally:
            host.close()
    templates = VtlHost(clock, ids, limits)
    try:
        return await evaluate_template(templates, asked.source, asked.context)
    finally:
        templates.close()


def _show(asked: Asked, evaluated: Evaluated) -> None:
    for line in evaluated.logs:
        remarks.print(line, markup=False, style="dim")
    if evaluated.result is not None:
        result = _read(evaluated.result)
        text = result if isinstance(result, str) and not asked.is_code else _pretty(result)
        answers.print(text, markup=False)
    for title, left in (("stash", evaluated.stash), ("appended errors", evaluated.out_errors)):
        if left is not None and left not in ("{}", "[]"):
            remarks.print(f"[bold]{title}[/] {escape(left)}")
    if evaluated.error is not None:
        _show_error(asked, evaluated.error.message, evaluated.error.code_errors)


def _show_error(asked: Asked, message: str, code_errors: tuple[Mapping[str, object], ...]) -> None:
    place = _PLACE.match(message)
    said = message[place.end() :] if place else message
    where = f"{asked.file}:{place[1]}:{place[2]}: " if place else ""
    remarks.print(f"[bold red]error:[/] {escape(where + said)}")
    if place:
        _show_frame(asked.source, int(place[1]), int(place[2]), 1)
    for error in code_errors:
        location = cast("Mapping[str, int]", error["location"])
        line, column = location["line"], location["column"]
        value = str(error["value"]).strip().partition("): error ")[2] or str(error["value"]).strip()
        remarks.print(f"{escape(f'{asked.file}:{line}:{column}')}: [red]{error['errorType']}[/] {escape(value)}")
        _show_frame(asked.source, line, column, location["span"])


def _show_frame(source: str, line: int, column: int, span: int) -> None:
    for shown in frame(source, line, column, span):
        remarks.print(f"    {shown}", markup=False)


def _read(text: str) -> object:
    """A template may print what is no JSON."""
    try:
        read: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return read


def _pretty(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
