"""What ends the loading or the evaluation of a template before its last character.

Raised in this folder, caught by `host.py`; `BrokenTemplate` alone leaves it.
"""

from collections.abc import Mapping


class BrokenTemplate(Exception):
    """A template that cannot be parsed. `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(f"{line}:{column}: {message}")
        self.message = message
        self.line = line
        self.column = column


class TemplateFailure(Exception):
    """The template asked for something that cannot be done; becomes an error of type MappingTemplate."""

    def __init__(self, message: str, place: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


class Overrun(Exception):
    """The evaluation used up its time."""


class JavaException(Exception):
    """A Java method would have thrown; the text is the exception's, class first."""


class NoSuchMethod(Exception):
    """No overload takes these arguments: Velocity's reference is null then."""


class Halt(Exception):
    """`$util.error` and its kin, `#return`: the evaluation's `halt`."""

    def __init__(self, members: Mapping[str, object]) -> None:
        super().__init__(members.get("message"))
        self.members = members


class Break(Exception):
    """`#break`: out of the innermost loop, macro or definition."""


class Stop(Exception):
    """`#stop`: what was printed so far is the output."""
