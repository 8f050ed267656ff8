"""New code while invocations are on, provisioned environments, internal extensions and a bootstrap in plain shell."""

import asyncio
import json
import shutil

import pytest
from msgspec.structs import replace

from tests.functions.environments.conftest import Bench

pytestmark = pytest.mark.process

#: The bootstrap of AWS's tutorial for custom runtimes, in its structure: headers to a file, the answer with curl.
SHELL = """\
#!/bin/sh
set -eu
. "$LAMBDA_TASK_ROOT/$(echo "$_HANDLER" | cut -d. -f1).sh"
while true; do
  HEADERS="$(mktemp)"
  EVENT_DATA=$(curl -sS -LD "$HEADERS" "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next")
  REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)
  RESPONSE=$($(echo "$_HANDLER" | cut -d. -f2) "$EVENT_DATA")
  ANSWER="http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/response"
  curl -sS "$ANSWER" -d "$RESPONSE" > /dev/null
done
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on PATH")
async def test_a_provided_al2023_bootstrap_in_shell(bench: Bench) -> None:
    function = bench.deploy(SHELL, file="bootstrap", runtime="provided.al2023", handler="function.handler")
    (function.code_root / "function.sh").write_text("handler() { echo \"Echoing request: '$1'\"; }\n")
    (function.code_root / "bootstrap").chmod(0o755)
    fleet = bench.fleet()
    for number in (b"1", b'{"a": 2}'):
        assert (await bench.run(fleet, function, number)).payload == b"Echoing request: '" + number + b"'"


async def test_a_code_change_under_load_drops_no_invocation(bench: Bench) -> None:
    source = "import time\ndef handler(e, c):\n    time.sleep(0.01); return [{number}, e]"
    fleet = bench.fleet()
    codes = [
        replace(bench.deploy(source.format(number=n), name=f"F{n}"), arn=bench.deploy("").arn, revision=str(n))
        for n in range(5)
    ]
    answers: list[list[int]] = []
    events = iter(range(120))

    async def caller() -> None:
        for event in events:
            deployed = codes[min(len(answers) // 24, 4)]
            outcome = await bench.run(fleet, deployed, str(event).encode(), patient=event % 2 == 0)
            assert outcome.function_error is None, outcome.payload
            answers.append(json.loads(outcome.payload))

    await asyncio.gather(*(caller() for _ in range(6)))
    assert sorted(event for _, event in answers) == list(range(120))
    assert {number for number, _ in answers} == {0, 1, 2, 3, 4}


async def test_provisioned_environments_are_warm_before_they_are_used(bench: Bench) -> None:
    source = "import os\nkind = os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']\ndef handler(e, c):\n    return kind"
    function, fleet = bench.deploy(source), bench.fleet("idle_environment_seconds=0")
    assert await fleet.provision(function, 2) == 2
    outcome = await bench.run(fleet, function)
    assert outcome.payload == b'"provisioned-concurrency"'
    broken = bench.deploy("raise ValueError('no')", name="broken")
    assert await fleet.provision(broken, 1) == 0
    assert await fleet.provision(function, 0) == 0


async def test_an_internal_extension_hears_of_invocations_too(bench: Bench) -> None:
    source = """
    import http.client, json, os, threading
    api = os.environ["AWS_LAMBDA_RUNTIME_API"]
    heard = []
    def call(method, path, body, headers):
        connection = http.client.HTTPConnection(api)
        connection.request(method, "/2020-01-01/extension" + path, body, headers)
        return connection.getresponse()
    def listen():
        while True:
            event = json.loads(call("GET", "/event/next", None, own).read())
            heard.append(event["eventType"])
    answer = call("POST", "/register", json.dumps({"events": ["INVOKE"]}), {"Lambda-Extension-Name": "inner"})
    assert answer.status == 200, answer.read()
    own = {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}
    threading.Thread(target=listen, daemon=True).start()
    def handler(event, context):
        late = call("POST", "/register", json.dumps({"events": []}), {"Lambda-Extension-Name": "late"})
        return [late.status, json.loads(late.read())["errorType"], list(heard)]
    """
    function, fleet = bench.deploy(source), bench.fleet("environments=1")
    first = json.loads((await bench.run(fleet, function)).payload)
    assert first[:2] == [403, "Extension.RegistrationClosed"]
    second = json.loads((await bench.run(fleet, function, patient=True)).payload)
    assert second[2].count("INVOKE") >= 1
    assert "EXTENSION\tName: inner\tState: Ready\tEvents: [INVOKE]\n" in bench.log()
