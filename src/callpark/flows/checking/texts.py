"""Every reference in an action's parameters. Pure, without recursion: nesting is the author's choice."""

from collections.abc import Iterator, Mapping

from callpark.flows.language import Action
from callpark.flows.references import Path, template


def texts_of(action: Action) -> Iterator[str]:
    """Keys too: attribute names may hold references."""
    waiting: list[object] = [action.parameters]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value


def paths_of(action: Action) -> list[Path]:
    """In a fixed order, each once."""
    return sorted({path for text in texts_of(action) if "$" in text for path in template(text).paths()})
