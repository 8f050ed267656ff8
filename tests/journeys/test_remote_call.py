"""Calls to a running server over its telephone socket: by our own client, and by whatever else comes along."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from callpark.app import App
from callpark.flows.happenings import ContactEnded
from callpark.kernel.limits import Limits
from callpark.projects.flow_file import load_flow_file
from callpark.serving import served
from callpark.settings import Settings
from tests.journeys.commands import command

pytestmark = pytest.mark.process

FLOWS = Path(__file__).parent / "flows"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    settings = Settings(data=tmp_path, port=0, limits=Limits().override(["connect.words_per_minute=6000"]))

    def project() -> Any:
        functions = [f"Work={FLOWS / 'work.py'}:lambda_handler"]
        return load_flow_file(FLOWS / "work.json", functions=functions, place=settings.place)

    async with served(settings, project) as app:
        yield app


def phone(app: App, target: str = "work", origin: str | None = None) -> connect:
    url = app.base_url.replace("http", "ws") + f"/_callpark/phone?target={target}&caller=%2B441632960009"
    headers = {"Origin": origin} if origin else {}
    return connect(url, proxy=None, additional_headers=headers)


async def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 10))
        if frame["type"] == kind:
            return frame


async def ended(app: App, contact_id: str) -> ContactEnded:
    """When the contact is over, which may be already."""
    over: asyncio.Future[ContactEnded] = asyncio.get_running_loop().create_future()

    def read(happening: object) -> None:
        if isinstance(happening, ContactEnded) and happening.subject == contact_id and not over.done():
            over.set_result(happening)

    stop = app.trace.listen(lambda entry: read(entry.happening))
    for entry in app.trace.entries(contact_id):
        read(entry.happening)
    try:
        return await asyncio.wait_for(over, 10)
    finally:
        stop()


async def test_the_command_calls_a_running_server(app: App) -> None:
    async with command("call", "work", "--endpoint", app.base_url, "--keys", "1") as call:
        assert await call.ended() == 0
    told = "\n".join(call.lines)
    assert "function Work starts, the flow goes on" in told
    assert "“It took 1 seconds. Goodbye.”" in told
    assert "of silence in" in told
    assert re.search(r"Work, \d\.\d s, in parallel", told)


async def test_whoever_leaves_has_hung_up(app: App) -> None:
    async with phone(app) as socket:
        contact_id = (await until(socket, "answered"))["contact_id"]
        await until(socket, "keys_wanted")
    assert (await ended(app, contact_id)).reason == "CUSTOMER_DISCONNECT"
    assert app.flows.contacts() == []


async def test_what_is_no_frame_changes_nothing(app: App, caplog: pytest.LogCaptureFixture) -> None:
    async with phone(app) as socket:
        await until(socket, "keys_wanted")
        for nonsense in ("", "{", "[]", '{"type":"press"}', '{"type":"press","key":"12"}', '{"type":"dance"}', b"\xff"):
            await socket.send(nonsense)
        await socket.send('{"type":"press","key":"0"}')
        assert (await until(socket, "heard"))["text"] == "We are working on it."
        await socket.send('{"type":"hang_up"}')
        assert (await until(socket, "ended"))["reason"] == "CUSTOMER_DISCONNECT"
    warnings = [record.getMessage() for record in caplog.records]
    assert sum("no frame" in warning for warning in warnings) == 6
    assert sum("no key" in warning for warning in warnings) == 1


async def test_nobody_answers(app: App) -> None:
    async with phone(app, "nobody") as socket:
        refused = await until(socket, "refused")
    assert refused["cause"] == "no number and no flow is called 'nobody'"
    assert "work" in refused["remedy"]


async def test_pages_of_other_sites_may_not_call(app: App) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with phone(app, origin="https://example.com"):
            raise AssertionError("not let in")
    async with phone(app, origin=app.base_url) as socket:
        await until(socket, "answered")


async def test_the_server_stops_during_a_call(tmp_path: Path) -> None:
    flow = ("start", str(FLOWS / "work.json"), "--port", "0", "--data", str(tmp_path))
    async with command(*flow) as server:
        endpoint = await server.ready()
        async with command("call", "work", "--endpoint", endpoint, "--keys", ",") as call:
            await call.until("How long may it take?")
            assert await server.signal() == 0
            assert await call.ended() == 3
    assert call.lines[-2].startswith(f"error: no callpark server answers at {endpoint}")
