"""Exit codes of every command."""

OK = 0
FUNCTION_ERROR = 1
"""The function, the call or the demo itself ended in an error."""
FINDINGS = 1
"""`flow check` found something, `flow convert` left something out, `flow coverage` is below what was asked,
`cluster status` sees trouble."""
USAGE = 2
"""The command line or the project cannot be used."""
UNREACHABLE = 3
"""No server answers at the endpoint."""

INTERRUPTED = 130
"""Ctrl-C, as shells count it."""
TERMINATED = 143
"""SIGTERM, as shells count it; `start` and `dev` stop in order instead and exit with 0."""
