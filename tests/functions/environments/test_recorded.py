"""What handlers find around them and what their logs look like, as recorded (lambda.md §13 to §15)."""

import json
import re

import pytest

from callpark.functions.environments import failures
from callpark.functions.environments.happenings import AttemptStarted, FunctionLog
from callpark.functions.environments.ports import Attempt, Deployment
from callpark.functions.environments.processes import PlainLauncher
from callpark.functions.environments.runtimes import HOST_PYTHON
from tests.functions.environments.conftest import Bench, needs_node

pytestmark = pytest.mark.process

#: §14. `/var/task`, `/var/runtime` and the paths below them are where the code lies here; PATH and the library path are
#: the machine's, and there is no PYTHONPATH without layers.
VARIABLES = {
    "AWS_LAMBDA_FUNCTION_NAME": "F",
    "AWS_LAMBDA_FUNCTION_VERSION": r"\$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/F",
    "AWS_LAMBDA_LOG_STREAM_NAME": r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}",
    "AWS_LAMBDA_RUNTIME_API": r"[\d.]+:\d+",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_EXECUTION_ENV": f"AWS_Lambda_{HOST_PYTHON}",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": ".+",
    "AWS_SECRET_ACCESS_KEY": ".+",
    "AWS_SESSION_TOKEN": ".+",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    "AWS_XRAY_DAEMON_ADDRESS": r"[\d.]+:2000",
    "_AWS_XRAY_DAEMON_ADDRESS": r"[\d.]+",
    "_AWS_XRAY_DAEMON_PORT": "2000",
    "_X_AMZN_TRACE_ID": "Root=1-2-3",
    "_HANDLER": "m.handler",
    "LAMBDA_TASK_ROOT": "/.+",
    "LAMBDA_RUNTIME_DIR": "/.+",
    "TZ": ":UTC",
    "LANG": "en_US.UTF-8",
    "LC_CTYPE": "C.UTF-8",
    "PWD": "/.+",
    "SHLVL": "0",
    "PATH": ".+",
}
ENVIRONMENT = "import os\ndef handler(event, context): return dict(os.environ)"


def traced(function: Deployment) -> Attempt:
    return Attempt("id", b"{}", function.arn, trace_header="Root=1-2-3")


@pytest.mark.parametrize("forked", [True, False])
async def test_variables(bench: Bench, forked: bool) -> None:
    function = bench.deploy(ENVIRONMENT)
    outcome = await bench.fleet(launcher=None if forked else PlainLauncher()).run(function, traced(function))
    found = json.loads(outcome.payload)
    wrong = {name: found.get(name) for name, value in VARIABLES.items() if not re.fullmatch(value, found.get(name, ""))}
    assert not wrong
    assert "AWS_LAMBDA_LOG_FORMAT" not in found, "only when configured"


async def test_variables_of_json_logs_and_of_provided_runtimes(bench: Bench) -> None:
    function = bench.deploy(ENVIRONMENT, log_format="JSON", application_log_level="WARN")
    found = json.loads((await bench.run(bench.fleet(), function)).payload)
    assert (found["AWS_LAMBDA_LOG_FORMAT"], found["AWS_LAMBDA_LOG_LEVEL"]) == ("JSON", "WARN")
    bootstrap = bench.deploy(
        """\
        #!/bin/sh
        [ -z "$AWS_EXECUTION_ENV" ] || exit 9
        curl -sS -D /tmp/callpark-$$ -o /dev/null "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next"
        id=$(grep -i aws-request-id /tmp/callpark-$$ | tr -d '[:space:]' | cut -d: -f2)
        rm /tmp/callpark-$$
        curl -sS -d true "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response"
        sleep 30
        """,
        file="bootstrap",
        name="P",
        runtime="provided.al2023",
    )
    (bootstrap.code_root / "bootstrap").chmod(0o755)
    assert (await bench.run(bench.fleet(), bootstrap)).payload == b"true"


async def test_retries_one_after_the_other_reuse_one_environment_and_its_stream(bench: Bench) -> None:
    """§13: one stream for three attempts."""
    function, fleet = bench.deploy("def handler(e, c): raise ValueError(c.aws_request_id)"), bench.fleet()
    for _ in range(3):
        await fleet.run(function, bench.attempt(function, b"{}", "the-id"), patient=True)
    started = [entry.happening for entry in bench.happenings(AttemptStarted)]
    assert len({attempt.stream for attempt in started if isinstance(attempt, AttemptStarted)}) == 1
    assert [attempt.cold for attempt in started if isinstance(attempt, AttemptStarted)] == [True, False, False]


async def test_a_line_feed_ends_a_log_event_and_a_carriage_return_does_not(bench: Bench) -> None:
    """§15.1: each message ends in a line feed."""
    function = bench.deploy("def handler(e, c): print('one\\ntwo\\rthree')")
    await bench.run(bench.fleet(), function)
    texts = [
        entry.happening.text for entry in bench.happenings(FunctionLog) if isinstance(entry.happening, FunctionLog)
    ]
    assert texts[2:4] == ["one\n", "two\rthree\n"]
    assert all(text.endswith("\n") for text in texts)


async def test_an_exception_is_one_event_of_several_lines(bench: Bench) -> None:
    """§15.2: with the telemetry descriptor its lines are joined by line feeds."""
    function = bench.deploy("def handler(e, c): raise ValueError('boom!')")
    await bench.run(bench.fleet(), function)
    texts = [
        entry.happening.text for entry in bench.happenings(FunctionLog) if isinstance(entry.happening, FunctionLog)
    ]
    (error,) = [text for text in texts if text.startswith("[ERROR] ValueError: boom!\n")]
    assert error.count("\n") >= 3


async def test_the_trace_of_an_import_that_fails_begins_in_awss_library(bench: Bench) -> None:
    """§15.4"""
    function = bench.deploy("raise KeyError('at import')")
    error = json.loads((await bench.run(bench.fleet(), function)).payload)
    assert error["stackTrace"][0].startswith(f'  File "/var/lang/lib/{HOST_PYTHON}/importlib/__init__.py"')
    assert error["requestId"] == ""


async def test_a_module_named_as_one_of_pythons_own(bench: Bench) -> None:
    """§15.4"""
    function = bench.deploy("def handler(e, c): ...", handler="sys.handler", file="sys.py")
    error = json.loads((await bench.run(bench.fleet(), function)).payload)
    assert error["errorType"] == "Runtime.BuiltInModuleConflict"


def test_the_platforms_own_error_objects() -> None:
    """§2.4, §15.4: key order as recorded."""
    assert failures.too_large(6_291_556) == (
        b'{"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes).",'
        b'"errorType":"Function.ResponseSizeTooLarge"}'
    )
    assert failures.platform_error(failures.EXIT, "<id>", failures.exit_text(0)) == (
        b'{"errorType":"Runtime.ExitError",'
        b'"errorMessage":"RequestId: <id> Error: Runtime exited without providing a reason"}'
    )
    assert failures.platform_error(failures.EXIT, "<id>", failures.exit_text(127)) == (
        b'{"errorType":"Runtime.ExitError",'
        b'"errorMessage":"RequestId: <id> Error: Runtime exited with error: exit status 127"}'
    )
    assert failures.platform_error(failures.TIMEOUT, "<id>", failures.timeout_text(1)) == (
        b'{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: <id> Error: Task timed out after 1.00 seconds"}'
    )


@needs_node
async def test_an_exception_of_nodes(bench: Bench) -> None:
    """§15.4: the function itself put `Error: ` into the message."""
    function = bench.deploy(
        "exports.handler = async () => { throw new Error('Error: some_error_msg') };", file="m.js", runtime="nodejs20.x"
    )
    error = json.loads((await bench.run(bench.fleet(), function)).payload)
    assert list(error) == ["errorType", "errorMessage", "trace"]
    assert (error["errorType"], error["errorMessage"]) == ("Error", "Error: some_error_msg")
    assert error["trace"][0] == "Error: Error: some_error_msg"
    assert "/var/task/m.js" in error["trace"][1]
