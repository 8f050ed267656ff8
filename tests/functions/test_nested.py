"""Functions that call each other through callpark: nothing waits for what waits for it."""

import asyncio
import json
import textwrap
from pathlib import Path

import httpx
import pytest

from callpark.app import Settings, served
from callpark.functions.environments.runtimes import HOST_PYTHON
from callpark.functions.model import Directory, FunctionConfiguration, FunctionDefinition
from callpark.projects.model import Project

pytestmark = pytest.mark.process

HANDLER = """
import http.client, json, os
api = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
def handler(event, context):
    depth = event["depth"]
    if depth == 3:
        return [depth]
    connection = http.client.HTTPConnection(api)
    name = f"F{depth + 1}"
    connection.request("POST", f"/2015-03-31/functions/{name}/invocations", json.dumps({"depth": depth + 1}))
    return [depth, *json.loads(connection.getresponse().read())]
"""


async def test_500_invocations_nested_three_deep_finish_with_a_concurrency_of_4(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "m.py").write_text(textwrap.dedent(HANDLER))
    functions = tuple(
        FunctionDefinition(
            FunctionConfiguration(f"F{depth}", HOST_PYTHON, "m.handler", timeout_seconds=20),
            Directory(tmp_path / "code"),
        )
        for depth in (1, 2, 3)
    )
    project = Project(name="nested", root=tmp_path, functions=functions)
    async with served(Settings(tmp_path / "data", port=0), lambda: project) as app:
        left = iter(range(500))
        answers: list[object] = []

        async def client() -> None:
            async with httpx.AsyncClient(base_url=app.base_url, timeout=30, trust_env=False) as http:
                for _ in left:
                    answer = await http.post("/2015-03-31/functions/F1/invocations", content=b'{"depth": 1}')
                    answers.append(json.loads(answer.content))

        await asyncio.gather(*(client() for _ in range(4)))
        assert answers == [[1, 2, 3]] * 500
