"""What `start` and `dev` say of https:// and wss://, and that what they name is there."""

import shlex
import ssl
from pathlib import Path

import httpx
import pytest

from callpark.cli.serving import announce
from callpark.serving import served
from callpark.settings import Settings
from tests.cli.till import callpark

pytestmark = pytest.mark.process

EXAMPLES = Path(__file__).parents[2] / "examples"


async def test_a_project_with_an_api_has_a_certificate_to_trust(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    async with served(Settings(data=tmp_path / "a data folder", port=0), EXAMPLES / "story-stream") as app:
        await announce(app)
        printed = capsys.readouterr()
        assert printed.out.splitlines()[0] == f"ready {app.base_url}"
        secure = app.base_url.replace("http", "https")
        assert f"{secure} and wss:// too" in printed.err
        assert f"{app.base_url}/graphql is GraphiQL" in printed.err
        assert await callpark("status", "-o", "env", "--endpoint", app.base_url) == 0
        lines = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
        named = dict(assignment.split("=", 1) for export, assignment in lines if export == "export")
        trusted = named["NODE_EXTRA_CA_CERTS"]
        assert trusted == str(tmp_path / "a data folder" / "tls.pem")
        trusting = ssl.create_default_context(cafile=trusted)
        async with httpx.AsyncClient(verify=trusting, trust_env=False, timeout=30) as client:
            assert (await client.get(f"{secure}/_callpark/health")).json()["status"] == "ready"


async def test_a_project_without_one_needs_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with served(Settings(data=tmp_path, port=0)) as app:
        await announce(app)
    assert "wss://" not in capsys.readouterr().err
    assert not (tmp_path / "tls.pem").exists()


async def test_a_certificate_that_cannot_be_made_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with served(Settings(data=tmp_path, port=0), EXAMPLES / "story-stream") as app:
        (tmp_path / "tls-key.pem").mkdir()
        await announce(app)
    assert "no https:// and wss://" in capsys.readouterr().err
