"""boto3 against a server whose model is a process: tokens as they are sampled, a process that dies, clients that go."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from callpark.app import App
from callpark.models import making
from callpark.models.backends.local.model import LocalModel
from callpark.projects.load import load_project
from callpark.serving import served
from callpark.settings import Settings
from tests.models.backends.local.test_local_model import FAKE, ROOT

pytestmark = pytest.mark.compat

MODELS = """
backends:
  fake: {local: tiny.gguf}
  canned: {scripted: {first_token_seconds: 0, token_seconds: 0, replies: [{when: bad, fault: {kind: throttling}}, {}]}}
models: {anthropic.*: fake, amazon.*: canned}
"""
CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), str(ROOT)]))
    monkeypatch.setattr(making, "LLAMA", f"{FAKE}:load")
    (tmp_path / "template.yaml").write_text("Resources: {Q: {Type: AWS::SQS::Queue}}")
    (tmp_path / "models.yaml").write_text(MODELS)
    (tmp_path / "tiny.gguf").write_text("none")
    settings = Settings(data=tmp_path / "data", port=0)
    async with served(settings, lambda: load_project(tmp_path, place=settings.place, base_url="http://x")) as app:
        yield app


def _client(app: App, service: str = "bedrock-runtime") -> Any:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client(service, endpoint_url=app.base_url, region_name="us-east-1", config=once, **keys)


def _stream(client: Any, text: str) -> Any:
    messages = [{"role": "user", "content": [{"text": text}]}]
    return client.converse_stream(modelId=f"eu.{CLAUDE}", messages=messages)["stream"]


def _words(stream: Any, count: int) -> list[str]:
    """The next words."""
    found: list[str] = []
    while len(found) < count:
        event = next(iter(stream))
        if "contentBlockDelta" in event:
            found.append(event["contentBlockDelta"]["delta"]["text"])
    return found


def _process(app: App) -> LocalModel:
    backend = app.models._desks["fake"].backend
    assert isinstance(backend, LocalModel)
    return backend


async def test_words_are_there_before_the_answer_is_complete(app: App) -> None:
    client = _client(app)
    with closing(await asyncio.to_thread(_stream, client, "hang after 3")) as stream:
        assert await asyncio.to_thread(_words, stream, 3) == ["w", "w", "w"]
        whole = await asyncio.to_thread(lambda: list(_stream(client, "say others go on")))
        assert list(whole[-1]) == ["metadata"]


async def test_a_process_that_dies_ends_the_stream_with_bedrocks_error_and_others_go_on(
    app: App, caplog: pytest.LogCaptureFixture
) -> None:
    client = _client(app)
    with closing(await asyncio.to_thread(_stream, client, "hang after 2")) as stream:
        assert await asyncio.to_thread(_words, stream, 2) == ["w", "w"]
        pid = _process(app).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(EventStreamError, match=r"modelStreamErrorException.*ended by signal 9"):
            await asyncio.to_thread(_words, stream, 1)
    with closing(await asyncio.to_thread(_stream, client, "say well again")) as stream:
        assert await asyncio.to_thread(_words, stream, 2) == ["well", "again"]
    doomed = await asyncio.to_thread(_stream, client, "die")
    with closing(doomed), pytest.raises(EventStreamError, match="modelStreamErrorException"):
        await asyncio.to_thread(_words, doomed, 1)
    caplog.clear()


async def test_a_client_that_leaves_ends_the_work(app: App, tmp_path: Path) -> None:
    client = _client(app)
    messages = [{"role": "user", "content": [{"text": "is it over"}]}]
    with closing(await asyncio.to_thread(_stream, client, "endless")) as stream:
        assert await asyncio.to_thread(_words, stream, 3) == ["w", "w", "w"]
    while (tmp_path / "tiny.gguf").read_text() != "cancelled":
        await asyncio.to_thread(client.count_tokens, modelId=CLAUDE, input={"converse": {"messages": messages}})


async def test_another_models_yaml_is_served_without_a_restart(app: App, tmp_path: Path) -> None:
    client, bedrock = _client(app), _client(app, "bedrock")
    messages = [{"role": "user", "content": [{"text": "bad"}]}]
    with pytest.raises(ClientError, match="ThrottlingException"):
        await asyncio.to_thread(client.converse, modelId="amazon.nova-lite-v1:0", messages=messages)
    with pytest.raises(ClientError, match="The provided model identifier is invalid"):
        await asyncio.to_thread(client.converse, modelId="meta.llama", messages=messages)
    (tmp_path / "models.yaml").write_text("backends: {p: {scripted: echo}}\nmodels: {meta.llama3-8b-instruct-v1:0: p}")
    await app.deployment.reload()
    answer = await asyncio.to_thread(client.converse, modelId="us.meta.llama3-8b-instruct-v1:0", messages=messages)
    assert answer["output"]["message"]["content"] == [{"text": "bad"}]
    listed = await asyncio.to_thread(bedrock.list_foundation_models)
    assert [one["modelId"] for one in listed["modelSummaries"]] == ["meta.llama3-8b-instruct-v1:0"]
