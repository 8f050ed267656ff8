"""Filter patterns: which messages a pattern wants. Pure.

Called by `api/` and the live stream. Served: terms, quoted phrases, `?any -not`, and JSON selectors. Space-delimited
patterns `[a, b]` and regular expressions `%…%` are refused by name.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from collections.abc import Callable

from callpark.logs.patterns.json_selector import json_selector
from callpark.logs.patterns.terms import terms
from callpark.logs.refusals import not_offered

Matches = Callable[[str], bool]


def filter_pattern(text: str) -> Matches:
    """Whether a message matches. Raises CallerError for a pattern that is malformed or not served."""
    pattern = text.strip()
    if not pattern:
        return _everything
    if pattern.startswith("["):
        raise not_offered("space-delimited filter patterns ([a, b, …])")
    if pattern.startswith("{"):
        return json_selector(pattern)
    return terms(pattern)


def _everything(message: str) -> bool:
    return True
