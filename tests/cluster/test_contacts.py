"""Contacts, chats and calls of one node, served by all."""

import asyncio
import json
import time
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.cluster.project import flow
from tests.cluster.several import Running, Several, several
from tests.flows.building import action, content, function_arn, hang_up, invoke, say
from tests.flows.chat.chatting import CHAT, ECHO, SUBSCRIBE
from tests.functions.plain_environments import Run

pytestmark = pytest.mark.process

WAITING = (
    action(
        "wait",
        "Wait",
        {"TimeLimitSeconds": "3000"},
        "bye",
        errors={"NoMatchingError": "bye"},
        when={"WaitCompleted": "bye"},
    ),
    hang_up(),
)


class Caller:
    """Connect and its participant service at one node, by hand."""

    def __init__(self, node: Running) -> None:
        self._url = node.url

    async def ask(self, method: str, path: str, body: object = None, token: str = "") -> dict[str, object]:
        async with httpx.AsyncClient(base_url=self._url, trust_env=False, timeout=30) as http:
            answer = await http.request(method, path, json=body, headers={"X-Amz-Bearer": token})
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found


def instance(cluster: Several) -> str:
    return cluster.nodes[0].app.flows.instance.definition.arn


def flow_arn(cluster: Several, name: str) -> str:
    return next(each.arn for each in cluster.nodes[0].app.health().flows if each.name == name)


async def begin_task(cluster: Several, node: Running, **more: str) -> str:
    task = {"InstanceId": instance(cluster), "ContactFlowId": flow_arn(cluster, "Waiting"), "Name": "park me", **more}
    return str((await Caller(node).ask("PUT", "/contact/task", task))["ContactId"])


async def test_a_contact_is_known_at_every_node_and_taken_up_when_its_node_leaves(tmp_path: Path) -> None:
    async with several(tmp_path, {}, flow("Waiting", content(*WAITING))) as cluster:
        one, other, third = cluster.nodes
        contact_id = await begin_task(cluster, one)
        path = f"/contacts/{instance(cluster).rpartition('/')[2]}/{contact_id}"
        for node in cluster.nodes:
            described = await Caller(node).ask("GET", path)
            assert described["Contact"]["Id"] == contact_id  # type: ignore[index]
        wanted = {"InitialContactId": contact_id, "InstanceId": instance(cluster), "Attributes": {"colour": "green"}}
        await Caller(other).ask("POST", "/contact/attributes", wanted)
        await one.stop()
        await cluster.settled(2)
        read = f"/contact/attributes/{instance(cluster).rpartition('/')[2]}/{contact_id}"
        for node in (other, third):
            assert (await Caller(node).ask("GET", read))["Attributes"] == {"colour": "green"}
        holders = [node for node in (other, third) if node.app.flows.contact(contact_id)]
        assert len(holders) == 1
        stop = {"ContactId": contact_id, "InstanceId": instance(cluster)}
        await Caller(third).ask("POST", "/contact/stop", stop)
        for node in (other, third):
            ended = await Caller(node).ask("GET", path)
            assert "DisconnectTimestamp" in ended["Contact"]  # type: ignore[operator]


async def test_one_token_is_one_contact_and_every_node_finds_it(tmp_path: Path) -> None:
    async with several(tmp_path, {}, flow("Waiting", content(*WAITING)), count=2) as cluster:
        begun = await asyncio.gather(*(begin_task(cluster, node, ClientToken="once") for node in cluster.nodes * 2))
        other = await begin_task(cluster, cluster.nodes[1])
        assert len(set(begun)) == 1
        found = {
            "InstanceId": instance(cluster),
            "TimeRange": {"Type": "INITIATION_TIMESTAMP", "StartTime": time.time() - 600, "EndTime": time.time() + 600},
        }
        for node in cluster.nodes:
            listed = await Caller(node).ask("GET", "/_callpark/contacts")
            assert {each["contactId"] for each in listed["contacts"]} == {begun[0], other}  # type: ignore[attr-defined]
            searched = await Caller(node).ask("POST", "/search-contacts", found)
            assert searched["TotalCount"] == 2


async def test_a_chat_goes_on_through_any_node(tmp_path: Path) -> None:
    async with several(tmp_path, {}, flow("Echo", content(*ECHO))) as cluster:
        one, other, third = cluster.nodes
        start = {
            "InstanceId": instance(cluster),
            "ContactFlowId": flow_arn(cluster, "Echo"),
            "ParticipantDetails": {"DisplayName": "Ann"},
        }
        begun = await Caller(one).ask("PUT", "/contact/chat", start)
        wanted = {"Type": ["CONNECTION_CREDENTIALS", "WEBSOCKET"]}
        answer = await Caller(other).ask("POST", "/participant/connection", wanted, str(begun["ParticipantToken"]))
        url = str(answer["Websocket"]["Url"])  # type: ignore[index]
        token = str(answer["ConnectionCredentials"]["ConnectionToken"])  # type: ignore[index]
        assert url.startswith(other.url.replace("http", "ws")), "the address by which the client came"
        async with connect(url, proxy=None) as socket:
            await socket.send(json.dumps(SUBSCRIBE))
            message = {"ContentType": "text/plain", "Content": "hello", "ClientToken": "1"}
            await Caller(third).ask("POST", "/participant/message", message, token)
            texts: list[object] = []
            async with asyncio.timeout(10):
                while "Answer." not in texts:
                    frame = json.loads(await socket.recv())
                    if frame.get("topic") == CHAT:
                        texts.append(json.loads(frame["content"]).get("Content"))
        assert "hello" in texts


async def test_a_call_goes_on_within_20_ms_of_the_answer_of_a_function_on_another_node(tmp_path: Path) -> None:
    returned: list[float] = []

    async def narrow(run: Run) -> object:
        await asyncio.sleep(0.02)
        returned.append(time.perf_counter())
        return {"said": "done"}

    asking = (
        invoke("ask", "told", "bye", LambdaFunctionARN=function_arn("Narrow")),
        say("told", "$.External.said", "bye"),
        hang_up(),
    )
    took: list[float] = []

    class Ear:
        def __getattr__(self, name: str) -> object:
            def heard(*arguments: object) -> None:
                if name == "heard":
                    took.append(time.perf_counter() - returned[-1])

            return heard

    async with several(tmp_path, {"Narrow": narrow}, flow("Asking", content(*asking))) as cluster:
        caller = cluster.others("function", "Narrow")[0]
        for _ in range(5):
            call = caller.app.flows.start_call("Asking", Ear())  # type: ignore[arg-type]
            async with asyncio.timeout(10):
                await asyncio.wait([call.ended])
        assert len(returned) == len(took) == 5
        took.sort()
        print(f"function returned on one node, the call goes on at another: {[round(1000 * t, 1) for t in took]} ms")
        assert took[0] < 0.02, "the best of five; the machine may be busy with others"
