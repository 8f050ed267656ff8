"""`/_callpark/events`: lists, stories, replay, redrive, and what it refuses."""

import json
from typing import Any

import httpx
import pytest

from callpark.functions.api.events import EventsPage
from callpark.functions.model import EventInvokeConfig
from callpark.kernel.limits import LambdaLimits
from tests.functions.plain_environments import HandlerError, Run
from tests.functions.scene import Scene

pytestmark = pytest.mark.sim

JSON = {"content-type": "application/json"}


def fail(run: Run) -> object:
    raise HandlerError("no")


async def ask(scene: Scene, method: str, path: str, **how: Any) -> tuple[int, Any]:
    page = EventsPage(scene.functions.events_everywhere, LambdaLimits())

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app=page)
        async with httpx.AsyncClient(transport=transport, base_url="http://callpark") as client:
            return await client.request(method, "/_callpark/events" + path, **how)

    response = await scene.clock.run_until(send())
    assert response.headers["content-type"] == "application/json"
    return response.status_code, response.json()


async def failed(scene: Scene, event: object = None) -> str:
    await scene.declare("f", fail, config=EventInvokeConfig(maximum_retry_attempts=0))
    request_id = await scene.send("f", event)
    await scene.clock.settle()
    return request_id


async def test_the_list(scene: Scene) -> None:
    request_id = await failed(scene, {"a": 1})
    status, listed = await ask(scene, "GET", "?function=f")
    assert status == 200
    assert listed == {
        "events": [],
        "discarded": [
            {
                "requestId": request_id,
                "function": "f",
                "status": "discarded",
                "acceptedAt": scene.start,
                "attempts": 1,
                "size": 8,
                "ageSeconds": 0.0,
                "endedAt": scene.start,
                "reason": "RetriesExhausted",
            }
        ],
        "succeeded": [],
        "totals": {"events": 0, "discarded": 1, "succeeded": 0},
    }
    assert (await ask(scene, "GET", "?function=other"))[1]["discarded"] == []


async def test_a_list_that_is_cut_says_how_many_there_are(scene: Scene) -> None:
    for _ in range(3):
        await failed(scene)
    await scene.declare("f", fail)
    for _ in range(4):
        await scene.send("f")
    await scene.clock.settle()
    _, listed = await ask(scene, "GET", "?limit=2")
    assert (len(listed["events"]), len(listed["discarded"])) == (2, 2)
    assert listed["totals"] == {"events": 4, "discarded": 3, "succeeded": 0}


async def test_a_story_a_replay_and_a_redrive(scene: Scene) -> None:
    request_id = await failed(scene, {"a": 1})
    status, story = await ask(scene, "GET", f"/{request_id}")
    assert status == 200
    assert json.loads(story["payload"]) == {"a": 1}
    assert [step["kind"] for step in story["steps"]] == ["accepted", "discarded"]

    status, answer = await ask(scene, "POST", f"/{request_id}/replay", content=b'{"a": 2}', headers=JSON)
    assert status == 200
    await scene.clock.settle()
    assert scene.environments.runs[-1].event == {"a": 2}
    assert scene.environments.runs[-1].request_id == answer["requestId"]

    status, answer = await ask(scene, "POST", "/redrive", content=b'{"function": "f"}', headers=JSON)
    assert status == 200
    assert request_id in {redriven["requestId"] for redriven in answer["redriven"]}
    assert all(redriven["copy"] for redriven in answer["redriven"])


@pytest.mark.parametrize(
    ("method", "path", "how", "status", "told"),
    [
        ("GET", "/nobody", {}, 404, "no event nobody is known"),
        ("POST", "/nobody/replay", {"headers": JSON}, 404, "no event nobody is known"),
        ("POST", "/redrive", {"headers": JSON, "content": b'{"requestIds": ["nobody"]}'}, 404, "no event nobody"),
        ("POST", "/redrive", {"headers": JSON, "content": b'{"functoin": "f"}'}, 400, "unknown field"),
        ("POST", "/redrive", {"headers": JSON, "content": b"no json"}, 400, "cannot be read"),
        ("POST", "/redrive", {"content": b"{}"}, 415, "application/json"),
        ("POST", "/redrive", {"headers": JSON, "content": b"x" * 1_048_577}, 413, "1048576 bytes"),
        ("DELETE", "/x", {}, 404, "nothing is at DELETE"),
        ("GET", "/a/b/c", {}, 404, "nothing is at GET"),
        ("GET", "?limit=0", {}, 400, "limit is a number from 1 to 1000"),
        ("GET", "?limit=x", {}, 400, "limit is a number"),
        ("GET", "?state=x", {}, 400, "knows no parameter state"),
    ],
)
async def test_refusals(scene: Scene, method: str, path: str, how: dict[str, Any], status: int, told: str) -> None:
    found, answer = await ask(scene, method, path, **how)
    assert found == status
    assert told in answer["message"]


async def test_a_payload_that_is_no_json_is_refused_as_invoke_refuses_it(scene: Scene) -> None:
    request_id = await failed(scene)
    status, answer = await ask(scene, "POST", f"/{request_id}/replay", content=b"{nonsense", headers=JSON)
    assert status == 400
    assert "Could not parse request body into json" in answer["message"]
