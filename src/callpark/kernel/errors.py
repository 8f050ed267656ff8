"""Errors by blame.

`CallerError`: the caller of an AWS API did something AWS refuses; carries AWS's code, HTTP status and message.
`ProjectError`: what the user brought (template, flow, schema, command line) cannot be used; cause and remedy.
`RuntimeBug` and anything else: ours; loud, logged, 500. What the user's function code does wrong is never an exception
here: it is a value, reported the way Lambda reports it.
"""

from collections.abc import Mapping


class CallerError(Exception):
    """An AWS-shaped refusal.

    `fields` is the JSON body beyond `message`; Lambda's spelling of the key (`Message` or `message`) depends on the
    exception, so the body is given whole by those who know it.
    """

    def __init__(
        self,
        code: str,
        status: int,
        message: str,
        *,
        body: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.status = status
        self.message = message
        self.body: Mapping[str, object] = {"message": message} if body is None else body
        self.headers: Mapping[str, str] = headers or {}


class ProjectError(Exception):
    """Something the user brought cannot be used. First line the cause, second the remedy."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}\n{remedy}")
        self.cause = cause
        self.remedy = remedy


class RuntimeBug(Exception):
    """callpark broke one of its own promises."""


class Deadlock(RuntimeBug):
    """Virtual time has nowhere to go: nothing due, nothing held, a condition still awaited."""
