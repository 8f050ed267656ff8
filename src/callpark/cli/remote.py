"""Talking to a running server: the AWS-shaped calls and `/_callpark` routes that commands need."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from callpark.cli import exits
from callpark.cli.screen import remarks
from callpark.kernel.errors import ProjectError

if TYPE_CHECKING:
    import httpx


class Unreachable(Exception):
    """No callpark server answers at the endpoint."""

    def __init__(self, endpoint: str, reason: str) -> None:
        super().__init__(f"{endpoint}: {reason}")
        self.endpoint = endpoint
        self.reason = reason


class Stranger(Exception):
    """Something else than callpark answers at the endpoint."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self.endpoint = endpoint


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


# Any: JSON that our own server made; its shapes stand in modules that are slow to import.
def ask(method: str, endpoint: str, path: str, body: bytes | None = None, *, remedy: str) -> dict[str, Any]:
    """What a `/_callpark` route answers. Raises Unreachable, Stranger, ProjectError with `remedy` for a refusal."""
    headers = None if body is None else {"content-type": "application/json"}
    response = request(method, endpoint, f"/_callpark{path}", body=body, headers=headers)
    try:
        answer = json.loads(response.content)
    except ValueError:
        raise Stranger(endpoint) from None
    if not isinstance(answer, dict):
        raise Stranger(endpoint)
    if response.status_code == 200:
        return answer
    if "message" not in answer:
        raise Stranger(endpoint)
    raise ProjectError(str(answer["message"]), remedy)


class StreamedAnswer:
    """An answer whose lines come as they are made. `message` is the server's refusal, when it is one."""

    def __init__(self, response: "httpx.Response") -> None:
        self.status_code = response.status_code
        self.lines: Iterator[bytes] = (line.encode() for line in response.iter_lines() if line)
        self.message = ""
        if response.status_code != 200:
            with contextlib.suppress(ValueError, AttributeError):
                self.message = str(json.loads(response.read()).get("message", ""))


@contextlib.contextmanager
def lines(endpoint: str, path: str, *, endless: bool) -> "Iterator[StreamedAnswer]":
    """A GET answered in lines; `endless` waits for the next one without a limit. Raises Unreachable, also when the
    connection is cut."""
    import httpx

    wait = httpx.Timeout(None if endless else 30.0, connect=2.0)
    try:
        with (
            httpx.Client(trust_env=False, timeout=wait) as client,
            client.stream("GET", endpoint.rstrip("/") + path) as response,
        ):
            yield StreamedAnswer(response)
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
