"""Findings of `callpark flow check` as people, scripts and code scanners read them."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from rich.console import Console
from rich.markup import escape

from callpark.cli.flow_checking import Checked, Located
from callpark.flows.checking.rules import Severity
from callpark.flows.checking.table import RULES
from callpark.flows.checking.verdict import counted

_STYLES: Mapping[Severity, str] = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def shown(path: Path) -> str:
    """A file as people name it from here."""
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def print_text(checked: Checked, console: Console) -> None:
    for item in checked.findings:
        found = item.finding
        where = shown(item.file)
        if item.position is not None:
            where += f":{item.position.line}:{item.position.column}"
        block = f"block {found.action!r} ({found.type})" if found.action else f"flow {found.flow!r}"
        style = _STYLES[found.severity]
        console.print(f"{escape(where)}: [{style}]{found.severity}[/] [bold]{found.code}[/] {escape(block)}")
        console.print(f"    {escape(found.message)}")
        console.print(f"    [dim]why:[/]    {escape(found.why)}")
        console.print(f"    [dim]remedy:[/] {escape(found.remedy)}")
    console.print(summary(checked), markup=False)


def summary(checked: Checked) -> str:
    counts = counted([item.finding for item in checked.findings])
    flows = f"{checked.flows} flow{'' if checked.flows == 1 else 's'}"
    if not checked.findings:
        return f"{flows}: nothing found"
    told = [f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items() if count]
    return f"{flows}: {', '.join(told)}"


def as_json(checked: Checked) -> dict[str, object]:
    return {
        "flows": checked.flows,
        **{f"{severity}s": count for severity, count in counted([item.finding for item in checked.findings]).items()},
        "findings": [_as_json(item) for item in checked.findings],
    }


def _as_json(item: Located) -> dict[str, object]:
    found, position = item.finding, item.position
    return {
        "code": found.code,
        "severity": found.severity,
        "file": shown(item.file),
        "line": None if position is None else position.line,
        "column": None if position is None else position.column,
        "flow": found.flow,
        "block": found.action or None,
        "type": found.type or None,
        "message": found.message,
        "why": found.why,
        "remedy": found.remedy,
    }


def as_sarif(checked: Checked) -> dict[str, object]:
    """SARIF 2.1.0. https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html"""
    order = {rule.code: index for index, rule in enumerate(RULES)}
    rules = [
        {
            "id": rule.code,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.why},
            "help": {"text": rule.remedy},
            "defaultConfiguration": {"level": rule.severity},
        }
        for rule in RULES
    ]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "callpark", "version": version("callpark"), "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "results": _results(checked.findings, order),
            }
        ],
    }


def _results(findings: Sequence[Located], order: Mapping[str, int]) -> list[dict[str, object]]:
    results: list[dict[str, object]] = []
    for item in findings:
        found, position = item.finding, item.position
        uri = item.file.as_uri() if Path(shown(item.file)).is_absolute() else quote(shown(item.file))
        physical: dict[str, object] = {"artifactLocation": {"uri": uri}}
        if position is not None:
            physical["region"] = {"startLine": position.line, "startColumn": position.column}
        name = f"{found.flow}/{found.action}" if found.action else found.flow
        results.append(
            {
                "ruleId": found.code,
                "ruleIndex": order[found.code],
                "level": found.severity,
                "message": {"text": f"{found.message}. {found.remedy}"},
                "locations": [{"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": name}]}],
            }
        )
    return results
