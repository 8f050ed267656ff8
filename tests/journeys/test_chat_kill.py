"""A chat goes on after `kill -9`: every acknowledged message is in the transcript, once, and the flow goes on."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from tests.flows.building import content
from tests.flows.chat.chatting import ECHO
from tests.journeys.servers import ServerProcess, started

pytestmark = pytest.mark.process

SENDERS = 5


def project(folder: Path) -> Path:
    flow = {"Name": "echo", "Type": "CONTACT_FLOW", "InstanceArn": "i", "Content": content(*ECHO)}
    resources = {"Echo": {"Type": "AWS::Connect::ContactFlow", "Properties": flow}}
    folder.mkdir()
    (folder / "template.json").write_text(json.dumps({"Resources": resources}))
    return folder


class Caller:
    """The participant service by hand: a test that kills the server has no use for retries."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def ask(self, method: str, path: str, body: object, token: str = "") -> dict[str, object]:
        answer = await self._http.request(method, path, json=body, headers={"X-Amz-Bearer": token})
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found


async def sending(
    server: ServerProcess, token: str, number: int, acknowledged: set[str], enough: asyncio.Event
) -> None:
    """Messages one after another, until the server is gone."""
    async with httpx.AsyncClient(base_url=server.endpoint, trust_env=False, timeout=30) as http:
        for count in range(1_000):
            text = f"{number}-{count}"
            message = {"ContentType": "text/plain", "Content": text, "ClientToken": text}
            try:
                await Caller(http).ask("POST", "/participant/message", message, token)
            except httpx.HTTPError:
                return
            acknowledged.add(text)
            if len(acknowledged) >= 100:
                enough.set()


async def test_a_chat_survives_a_kill(tmp_path: Path) -> None:
    folder, data = project(tmp_path / "project"), tmp_path / "data"
    acknowledged: set[str] = set()
    async with (
        started(folder, data) as server,
        httpx.AsyncClient(base_url=server.endpoint, trust_env=False, timeout=30) as http,
    ):
        flow = (await http.get("/_callpark/health")).json()["flows"][0]["arn"]
        instance = flow.partition("/contact-flow")[0]
        details = {"DisplayName": "Ann"}
        start = {"InstanceId": instance, "ContactFlowId": flow, "ParticipantDetails": details}
        begun = await Caller(http).ask("PUT", "/contact/chat", start)
        wanted = {"Type": ["CONNECTION_CREDENTIALS"]}
        answer = await Caller(http).ask("POST", "/participant/connection", wanted, str(begun["ParticipantToken"]))
        credentials = answer["ConnectionCredentials"]
        assert isinstance(credentials, dict)
        token = str(credentials["ConnectionToken"])
        enough = asyncio.Event()
        senders = [asyncio.create_task(sending(server, token, n, acknowledged, enough)) for n in range(SENDERS)]
        await asyncio.wait_for(enough.wait(), 20)
        await server.kill()
        await asyncio.gather(*senders)
    async with (
        started(folder, data) as server,
        httpx.AsyncClient(base_url=server.endpoint, trust_env=False, timeout=30) as http,
    ):
        caller = Caller(http)
        last = {"ContentType": "text/plain", "Content": "after", "ClientToken": "after"}
        await caller.ask("POST", "/participant/message", last, token)
        texts: list[str] = []
        page: dict[str, object] = {"MaxResults": 100, "SortOrder": "ASCENDING", "ScanDirection": "FORWARD"}
        while True:
            answer = await caller.ask("POST", "/participant/transcript", page, token)
            items = answer["Transcript"]
            assert isinstance(items, list)
            texts += [
                item["Content"] for item in items if item.get("ParticipantRole") == "CUSTOMER" and "Content" in item
            ]
            if "NextToken" not in answer:
                break
            page["NextToken"] = answer["NextToken"]
        assert len(texts) == len(set(texts))
        assert acknowledged <= set(texts)
        assert len(texts) <= len(acknowledged) + SENDERS + 1
        assert texts[-1] == "after"
        for number in range(SENDERS):
            own = [int(text.partition("-")[2]) for text in texts if text.startswith(f"{number}-")]
            assert own == list(range(len(own)))
