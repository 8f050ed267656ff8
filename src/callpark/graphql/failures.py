"""What goes wrong with one field, as values and exceptions the plan turns into entries of `errors`.

Raised by resolvers and completers, caught by `completion.py`; never leaves the slice.
"""

from collections.abc import Sequence
from typing import TypeAlias

from callpark.graphql.messages import ErrorEntry

Path: TypeAlias = "tuple[Path, str | int] | None"
"""A response path as a linked list, innermost first; None is the root."""


class FieldFailure(Exception):
    """A field has no value. With `data`, `error_type` and `error_info` as in `util.error`; `bare` entries are those
    AppSync writes without these members (a null where none may be)."""

    def __init__(
        self,
        message: str,
        error_type: str | None = None,
        data: object = None,
        error_info: object = None,
        *,
        bare: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type
        self.data = data
        self.error_info = error_info
        self.bare = bare


def not_authorized(parent_type: str, field_name: str) -> FieldFailure:
    """The caller's authorisation mode does not open this field."""
    return FieldFailure(f"Not Authorized to access {field_name} on type {parent_type}", "Unauthorized")


class NullBubble(Exception):
    """A non-null position is null and said so; the nearest nullable parent becomes null."""


def path_list(path: Path) -> list[str | int]:
    """`["posts", 0, "title"]`"""
    steps: list[str | int] = []
    while path is not None:
        path, step = path
        steps.append(step)
    steps.reverse()
    return steps


def path_text(path: Path) -> str:
    """`/posts[0]/title`, as AppSync's messages have it."""
    return "".join(f"[{step}]" if isinstance(step, int) else f"/{step}" for step in path_list(path))


def failure_entry(failure: FieldFailure, path: Path, locations: Sequence[dict[str, object]]) -> ErrorEntry:
    """One member of `errors`, in AppSync's order of keys."""
    if failure.bare:
        return {"path": path_list(path), "locations": None, "message": failure.message}
    return {
        "path": path_list(path),
        "data": failure.data,
        "errorType": failure.error_type,
        "errorInfo": failure.error_info,
        "locations": list(locations),
        "message": failure.message,
    }
