"""Talking to a running server: the AWS-shaped calls and `/_callpark` routes that commands need."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.markup import escape

from callpark.cli import exits
from callpark.cli.screen import remarks

if TYPE_CHECKING:
    import httpx


class Unreachable(Exception):
    """No callpark server answers at the endpoint."""

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f"{endpoint}: {reason}")
        self.endpoint = endpoint
        self.reason = reason


def request(
    method: str,
    endpoint: str,
    path: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 10.0,
) -> "httpx.Response":
    """One request to the server; proxies of the environment are not asked. Raises Unreachable."""
    import httpx

    try:
        with httpx.Client(trust_env=False, timeout=httpx.Timeout(timeout, connect=2.0)) as client:
            return client.request(method, endpoint.rstrip("/") + path, content=body, headers=dict(headers or {}))
    except httpx.InvalidURL as error:
        raise Unreachable(endpoint, f"not a URL: {error}") from error
    except httpx.HTTPError as error:
        raise Unreachable(endpoint, str(error) or type(error).__name__) from error


def explain(error: Unreachable) -> int:
    """Say what to do about it; the exit code."""
    remarks.print(
        f"[bold red]error:[/] no callpark server answers at {escape(error.endpoint)} ({escape(error.reason)})"
    )
    remarks.print("       start one with `callpark start PROJECT`, or name another with --endpoint")
    return exits.UNREACHABLE


def explain_stranger(endpoint: str) -> int:
    """Somebody answers, but not callpark; the exit code."""
    remarks.print(f"[bold red]error:[/] something else than callpark answers at {escape(endpoint)}")
    remarks.print("       name callpark's port with --endpoint http://127.0.0.1:PORT")
    return exits.UNREACHABLE
