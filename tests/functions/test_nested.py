"""Functions that call each other through callpark with boto3: nothing waits for what waits for it."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from callpark.app import App
from callpark.functions.chains import Chains
from callpark.functions.environments.runtimes import HOST_PYTHON
from callpark.functions.model import Directory, FunctionConfiguration, FunctionDefinition, Invocation
from callpark.kernel.limits import Limits
from callpark.projects.model import Project
from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.process

HANDLER = """
import json
import boto3
from botocore.exceptions import ClientError

client = boto3.client("lambda")

def handler(event, context):
    depth = event["depth"]
    if depth == 3:
        return [depth]
    try:
        answer = client.invoke(FunctionName=f"F{depth + 1}", Payload=json.dumps({"depth": depth + 1}))
    except ClientError as refusal:
        return refusal.response["Reason"]
    below = json.loads(answer["Payload"].read())
    return [depth, *below] if isinstance(below, list) else below
"""


@asynccontextmanager
async def three_deep(directory: Path, *limits: str, attempts: int = 1) -> AsyncIterator[App]:
    """A server on which F1 calls F2 and F2 calls F3; their SDK makes so many attempts."""
    (directory / "code").mkdir()
    (directory / "code" / "m.py").write_text(HANDLER)
    functions = tuple(
        FunctionDefinition(
            FunctionConfiguration(
                f"F{depth}",
                HOST_PYTHON,
                "m.handler",
                timeout_seconds=30,
                environment={"AWS_MAX_ATTEMPTS": str(attempts)},
            ),
            Directory(directory / "code"),
        )
        for depth in (1, 2, 3)
    )
    project = Project(name="nested", root=directory, functions=functions)
    settings = Settings(directory / "data", port=0, limits=Limits().override(f"lambda.{limit}" for limit in limits))
    async with served(settings, lambda: project) as app:
        yield app


async def answers_of(app: App, invocations: int, clients: int) -> list[object]:
    left = iter(range(invocations))
    answers: list[object] = []

    async def client() -> None:
        async with httpx.AsyncClient(base_url=app.base_url, timeout=60, trust_env=False) as http:
            for _ in left:
                answer = await http.post("/2015-03-31/functions/F1/invocations", content=b'{"depth": 1}')
                answers.append(answer.json() if answer.status_code == 200 else answer.json()["Reason"])

    await asyncio.gather(*(client() for _ in range(clients)))
    return answers


async def test_500_invocations_nested_three_deep_finish_with_a_concurrency_of_4(tmp_path: Path) -> None:
    """Four environments, and four callers that take them all: what those wait for runs beyond the bound."""
    async with three_deep(tmp_path, "environments=4") as app:
        assert await answers_of(app, 500, clients=4) == [[1, 2, 3]] * 500


async def test_events_that_call_three_deep_finish_in_a_pool_of_one(tmp_path: Path) -> None:
    async with three_deep(tmp_path, "environments=1") as app:
        sent = [await app.functions.invoke_event(Invocation("F1", b'{"depth": 1}')) for _ in range(30)]
        results = [await app.functions.wait_for_event(request_id) for request_id in sent]
        assert [(result.condition, result.payload) for result in results] == [("Success", b"[1, 2, 3]")] * 30


async def test_without_room_for_nested_ones_they_are_throttled_and_nothing_hangs(tmp_path: Path) -> None:
    async with three_deep(tmp_path, "environments=2", "nested_environments=0") as app:
        assert await answers_of(app, 10, clients=2) == ["ConcurrentInvocationLimitExceeded"] * 10


async def test_an_accounts_concurrency_of_4_throttles_as_in_aws_and_nothing_hangs(tmp_path: Path) -> None:
    async with three_deep(tmp_path, "account_concurrency=4", attempts=2) as app:
        answers = await answers_of(app, 8, clients=4)
        ended = Counter(json.dumps(answer) for answer in answers)
        assert ended.total() == 8
        assert set(ended) <= {"[1, 2, 3]", '"ConcurrentInvocationLimitExceeded"'}
        assert await answers_of(app, 3, clients=1) == [[1, 2, 3]] * 3


def test_a_chain_holds_environments_from_its_first_run_to_its_last() -> None:
    chains = Chains()
    own = "Root=1-a;Parent=b;Sampled=0;Lineage=0011:1"
    assert not chains.nested(own)
    roots = [chains.begin(own), chains.begin(own.replace("0011:1", "0011:1|2233:1"))]
    assert chains.nested(own)
    assert chains.nested("Lineage=0011%3A1;Root=1-a;Parent=another"), "wherever the parts stand"
    assert not chains.nested("Root=1-a;Parent=b;Sampled=0"), "a client outside, with a trace of its own"
    assert not chains.nested("Root=1-c;Lineage=0011:1"), "a message whose sender has ended"
    assert not chains.nested(None)
    chains.end(roots[0])
    assert chains.nested(own)
    chains.end(roots[1])
    assert not chains.nested(own)
