"""The texts of `source/`: `util` in JavaScript, for handlers (`host.py`) and for templates (`vtl/library.py`)."""

from functools import cache
from importlib import resources

_SHARED = ("10", "15", "20", "30", "32", "35", "36", "40", "48", "50")
"""Files, by the number they begin with, that stand on their own and templates call too."""


@cache
def all_sources() -> str:
    return _joined(tuple(sorted(_folder())))


@cache
def shared_sources() -> str:
    return _joined(tuple(each for each in sorted(_folder()) if each.startswith(_SHARED)))


@cache
def _folder() -> dict[str, str]:
    folder = resources.files("callpark.graphql.runtimes.js") / "source"
    return {each.name: each.read_text(encoding="utf-8") for each in folder.iterdir() if each.name.endswith(".js")}


def _joined(names: tuple[str, ...]) -> str:
    return "\n".join(_folder()[each] for each in names)
