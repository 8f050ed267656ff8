"""`callpark channels`: publishing to a served Event API and listening to it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.app import App
from callpark.graphql.channels.happenings import ChannelSubscribed
from callpark.kernel.trace import Entry
from callpark.serving import served
from callpark.settings import Settings
from tests.cli.till import callpark

pytestmark = pytest.mark.process

TEMPLATE = """
Resources:
  %(id)s:
    Type: AWS::AppSync::Api
    Properties:
      Name: %(id)s
      EventConfig:
        AuthProviders: [{ AuthType: API_KEY }]
        ConnectionAuthModes: [{ AuthType: API_KEY }]
        DefaultPublishAuthModes: [{ AuthType: API_KEY }]
        DefaultSubscribeAuthModes: [{ AuthType: API_KEY }]
  %(id)sKey: { Type: AWS::AppSync::ApiKey, Properties: { ApiId: !GetAtt %(id)s.ApiId } }
  %(id)sNamespace:
    Type: AWS::AppSync::ChannelNamespace
    Properties: { ApiId: !GetAtt %(id)s.ApiId, Name: default, CodeS3Location: handlers.js }
"""
CODE = """
export const onPublish = ({ events }) => events.map(({ id, payload }) =>
  payload === 'bad' ? { id, error: 'no' } : { id, payload });
export function onSubscribe(ctx) { if (ctx.info.channel.path === '/default/secret') util.unauthorized() }
"""


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    (tmp_path / "handlers.js").write_text(CODE)
    (tmp_path / "template.yaml").write_text(TEMPLATE % {"id": "Chat"})
    async with served(Settings(data=tmp_path / "data", port=0), tmp_path) as app:
        monkeypatch.setenv("CALLPARK_ENDPOINT", app.base_url)
        yield app


async def test_what_is_published_is_heard(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    standing = asyncio.Event()

    def read(entry: Entry) -> None:
        if isinstance(entry.happening, ChannelSubscribed):
            standing.set()

    app.trace.listen(read)
    listening = asyncio.create_task(callpark("channels", "subscribe", "/default/*", "--count", "3"))
    await standing.wait()
    assert await callpark("channels", "publish", "/default/room", '{"a": 1}', "hello", "2") == 0
    assert await listening == 0
    printed = capsys.readouterr()
    assert sorted(printed.out.splitlines()) == sorted(['{"a":1}', '"hello"', "2", "3 published, 0 failed"])
    assert "listening to /default/*" in printed.err


async def test_failed_events_and_refusals(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert await callpark("channels", "publish", "/default/room", "bad", "good", "-o", "json") == 1
    printed = capsys.readouterr()
    assert len(json.loads(printed.out)["failed"]) == 1
    assert "error: event 0: no" in printed.err
    for arguments, told in (
        (["publish", "/other/room", "1"], "The API has no channel namespace other."),
        (["publish", "/default/*", "1"], 'The channel "/default/*" is not valid.'),
        (["publish", "/default/room", "1", "--api-key", "da2-x"], "AppSync calls this UnauthorizedException"),
        (["subscribe", "/default/secret"], "AppSync calls this Unauthorized"),
        (["subscribe", "/default/room", "--authorization", "x"], "AppSync calls this UnauthorizedException"),
        (["subscribe", "/default/room", "--api", "Other"], "no Event API has the name or id Other"),
    ):
        assert await callpark("channels", *arguments) == 2, arguments
        assert told in capsys.readouterr().err


async def test_no_server_and_no_api(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["subscribe", "/a/b"], ["publish", "/a/b", "1"]):
        assert await callpark("channels", *arguments, "--endpoint", "http://127.0.0.1:1") == 3
    async with served(Settings(data=tmp_path, port=0)) as app:
        assert await callpark("channels", "subscribe", "/a/b", "--endpoint", app.base_url) == 2
    assert "which Event API? The server has: none" in capsys.readouterr().err


async def test_status_says_where(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    (api,) = app.health().event_apis
    assert await callpark("status") == 0
    printed = capsys.readouterr().out
    for told in (f"events    Chat  {api.event_url}", f"realtime  {api.realtime_url}", f"x-api-key {api.api_key}"):
        assert told in printed
    assert f"export EVENTS_URL={api.event_url}" in printed
    assert f"export EVENTS_API_KEY={api.api_key}" in printed
    app.certificate.ensure()
    assert await callpark("status", "-o", "env") == 0
    assert f"export NODE_EXTRA_CA_CERTS={app.certificate.path}" in capsys.readouterr().out
