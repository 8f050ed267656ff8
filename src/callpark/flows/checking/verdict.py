"""What remains of findings after what was silenced, and what they amount to. Pure. Called by `callpark flow check`."""

import re
from collections.abc import Iterable, Sequence

from callpark.flows.checking.rules import Finding, Severity
from callpark.flows.checking.table import RULES
from callpark.kernel.errors import ProjectError

_PATTERN = re.compile(r"(?P<code>CP\d{3})(?::(?P<flow>[^/]+)(?:/(?P<action>.+))?)?")
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


def heeded(findings: Iterable[Finding], ignored: Sequence[str]) -> list[Finding]:
    """Findings that are not silenced by `CP301`, `CP301:flow` or `CP301:flow/block`. Raises ProjectError for a pattern
    that is none, or a code that there is not."""
    patterns = [_read(pattern) for pattern in ignored]
    return [
        item
        for item in findings
        if not any(
            code == item.code and flow in (None, item.flow) and action in (None, item.action)
            for code, flow, action in patterns
        )
    ]


def _read(pattern: str) -> tuple[str, str | None, str | None]:
    match = _PATTERN.fullmatch(pattern.strip())
    if match is None or match["code"] not in {rule.code for rule in RULES}:
        raise ProjectError(
            f"there is no finding to ignore called {pattern!r}",
            "write a code of docs/flow-check.md: CP301, CP301:flow, or CP301:flow/block",
        )
    return match["code"], match["flow"], match["action"]


def counted(findings: Sequence[Finding]) -> dict[Severity, int]:
    return {severity: sum(item.severity == severity for item in findings) for severity in SEVERITIES}


def is_refused(findings: Sequence[Finding], *, strict: bool) -> bool:
    """Errors refuse, in strict mode warnings do too; notes never."""
    counts = counted(findings)
    return counts["error"] > 0 or (strict and counts["warning"] > 0)
