"""Bedrock's runtime with the AWS SDK for JavaScript, unmodified: HTTP/2 without and with TLS."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.app import App
from callpark.kernel.trace import Entry
from callpark.models.happenings import GenerationAbandoned
from callpark.serving import served
from callpark.settings import Settings
from tests.compat.driving import driver, needs_node

pytestmark = [pytest.mark.compat, needs_node]

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Resources:
  Queue: {Type: AWS::SQS::Queue}
"""
MODELS = """
backends:
  canned:
    scripted:
      first_token_seconds: 0
      token_seconds: 0
      replies:
        - {when: story, tokens: ["Once", " upon", " a time"]}
        - {when: weather, text: Let me see., tool: {name: get_weather, input: {city: York}}}
        - {when: trouble, tokens: [I, " was"], fault: {kind: model-error, at_token: 1, message: The model died.}}
        - {when: forever, tokens: [one, two, three], token_seconds: 3600}
models:
  "*": canned
"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    project = tmp_path_factory.mktemp("project")
    (project / "template.yaml").write_text(TEMPLATE)
    (project / "models.yaml").write_text(MODELS)
    async with served(Settings(data=tmp_path_factory.mktemp("data"), port=0), project) as app:
        yield app


def surroundings(app: App, scheme: str, certificate: Path) -> dict[str, str]:
    port = app.base_url.rpartition(":")[2]
    return {
        "AWS_ENDPOINT_URL": f"{scheme}://localhost:{port}",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "NODE_EXTRA_CA_CERTS": str(certificate),
        "NODE_NO_WARNINGS": "1",
    }


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_sdk_for_javascript(app: App, scheme: str) -> None:
    certificate = await asyncio.to_thread(app.certificate.ensure)
    abandoned = asyncio.Event()

    def hear(entry: Entry) -> None:
        if isinstance(entry.happening, GenerationAbandoned):
            abandoned.set()

    end = app.trace.listen(hear)
    async with driver("bedrock.mjs", surroundings(app, scheme, certificate)) as client:
        usage = {"inputTokens": 2, "outputTokens": 3, "totalTokens": 5}
        said = json.loads(await client.line())
        assert said == {"text": "Once upon a time", "stopReason": "end_turn", "usage": usage}
        events = json.loads(await client.line())
        assert [next(iter(event)) for event in events] == [
            "messageStart",
            *["contentBlockDelta"] * 3,
            "contentBlockStop",
            "messageStop",
            "metadata",
        ]
        tool = json.loads(await client.line())
        inputs = [event["contentBlockDelta"]["delta"].get("toolUse") for event in tool if "contentBlockDelta" in event]
        assert json.loads("".join(part["input"] for part in inputs if part)) == {"city": "York"}
        failed = json.loads(await client.line())
        assert failed[-1] == {"error": "ModelStreamErrorException", "message": "The model died."}
        assert json.loads(await client.line())["generation"] == "Once upon a time"
        chunks = json.loads(await client.line())
        assert [chunk["generation"] for chunk in chunks] == ["Once", " upon", " a time", ""]
        assert chunks[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 3
        refusal = json.loads(await client.line())
        assert (refusal["name"], refusal["status"]) == ("ValidationException", 400)
        assert len(json.loads(await client.line())) == 2
        await abandoned.wait()
    end()
