"""What a browser needs of the participant service, and the address of its web socket."""

from pathlib import Path

import httpx
import pytest

from callpark.flows.api.addresses import socket_url
from tests.flows.chat.chatting import ECHO, Client, Listener, chat_server

pytestmark = pytest.mark.process


async def test_a_page_of_another_site(tmp_path: Path) -> None:
    page = {"Origin": "https://shop.example"}
    async with (
        chat_server(tmp_path, *ECHO) as app,
        httpx.AsyncClient(base_url=app.base_url, trust_env=False, timeout=30) as http,
    ):
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-amz-bearer"}
        preflight = await http.options("/participant/message", headers={**page, **asked})
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-origin"] == "*"
        assert preflight.headers["access-control-allow-headers"] == "x-amz-bearer"
        refused = await http.post("/participant/message", json={}, headers={**page, "X-Amz-Bearer": "x"})
        assert refused.status_code == 400
        assert refused.headers["access-control-allow-origin"] == "*"
        elsewhere = await http.put("/contact/chat", json={}, headers=page)
        assert "access-control-allow-origin" not in elsewhere.headers


async def test_over_tls(tmp_path: Path) -> None:
    async with chat_server(tmp_path, *ECHO) as app:
        begun = await Client(app).start()
        url = app.base_url.replace("http", "https", 1)
        async with httpx.AsyncClient(base_url=url, trust_env=False, verify=False, timeout=30) as http:
            headers = {"X-Amz-Bearer": begun["ParticipantToken"]}
            answer = await http.post("/participant/connection", json={"Type": ["WEBSOCKET"]}, headers=headers)
        address = answer.json()["Websocket"]["Url"]
        assert address.startswith("wss://127.0.0.1:")
        async with Listener.at(address.replace("wss", "ws", 1)) as listener:
            await listener.until("Hello.")


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"host": "localhost:4566"}, "ws://127.0.0.1:4566"),
        ({"host": "localhost"}, "ws://127.0.0.1"),
        ({"host": "box.example:80"}, "ws://box.example:80"),
        ({"host": "localhost:4566", "x-forwarded-proto": "https"}, "wss://localhost:4566"),
        ({"host": "[::1]:4566"}, "ws://[::1]:4566"),
        ({}, "ws://127.0.0.1"),
    ],
)
def test_addresses(headers: dict[str, str], address: str) -> None:
    assert socket_url(headers, "a+b") == f"{address}/_callpark/chat?token=a%2Bb"
