"""The unmodified AWS CLI against a running server."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.app import App
from callpark.serving import served
from callpark.settings import Settings
from tests.journeys.archives import HANDLER, zipped

pytestmark = pytest.mark.compat


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    async with served(Settings(data=tmp_path / "data", port=0)) as app:
        yield app


async def aws(app: App, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of `aws lambda …`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "awscli",
        "lambda",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": app.base_url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "callpark",
            "AWS_SECRET_ACCESS_KEY": "callpark",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_PAGER": "",
        },
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_create_wait_invoke_in_every_way_and_fail(app: App, tmp_path: Path) -> None:
    package, answer = tmp_path / "package.zip", tmp_path / "answer.json"
    package.write_bytes(zipped(app=HANDLER))
    role = "arn:aws:iam::123456789012:role/any"

    code, out, err = await aws(
        app,
        *("create-function", "--function-name", "Echo", "--runtime", "python3.11", "--role", role),
        *("--handler", "app.handler", "--zip-file", f"fileb://{package}"),
    )
    assert code == 0, err
    assert json.loads(out)["State"] == "Pending"
    code, _, err = await aws(app, "wait", "function-active-v2", "--function-name", "Echo")
    assert code == 0, err

    code, out, err = await aws(app, "invoke", "--function-name", "Echo", "--payload", '{"a": 1}', str(answer))
    assert code == 0, err
    assert json.loads(out) == {"StatusCode": 200, "ExecutedVersion": "$LATEST"}
    assert json.loads(answer.read_text())["echo"] == {"a": 1}

    code, out, err = await aws(app, "invoke", "--function-name", "Echo", "--payload", '{"do": "fail"}', str(answer))
    assert code == 0, err
    assert json.loads(out)["FunctionError"] == "Unhandled"
    assert json.loads(answer.read_text())["errorType"] == "ValueError"

    code, out, err = await aws(
        app, "invoke", "--function-name", "Echo", "--invocation-type", "Event", "--payload", "{}", str(answer)
    )
    assert code == 0, err
    assert json.loads(out) == {"StatusCode": 202}

    code, out, err = await aws(app, "invoke", "--function-name", "Nobody", str(answer))
    assert code == 255 or code == 254
    assert "(ResourceNotFoundException) when calling the Invoke operation: Function not found" in err
