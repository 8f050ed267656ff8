"""Python handlers in real processes: what they see and what callers and logs see of them."""

import asyncio
import json
import os
import re

import pytest

from callpark.functions.environments.forking import ForkingLauncher
from callpark.functions.environments.happenings import AttemptEnded, AttemptStarted
from callpark.functions.environments.ports import Attempt, EnvironmentUnavailable
from callpark.functions.environments.processes import PlainLauncher
from tests.functions.environments.conftest import Bench

pytestmark = pytest.mark.process


async def test_an_answer_and_its_log(bench: Bench) -> None:
    function = bench.deploy(
        """
        import logging
        def handler(event, context):
            print("hellö")
            logging.getLogger().warning("careful")
            print("bye")
            return {"got": event, "id": context.aws_request_id}
        """
    )
    fleet = bench.fleet()
    outcome = await fleet.run(function, bench.attempt(function, b'{"a": "\xc3\xa9"}', "the-id"))
    assert outcome.function_error is None
    assert json.loads(outcome.payload) == {"got": {"a": "é"}, "id": "the-id"}
    assert 0 < outcome.duration_seconds < 5
    lines = outcome.log_tail.decode().splitlines()
    assert lines[0] == "START RequestId: the-id Version: $LATEST"
    assert [lines[1], lines[3], lines[4]] == ["hellö", "bye", "END RequestId: the-id"]
    assert re.fullmatch(r"\[WARNING\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\tthe-id\tcareful", lines[2])
    assert re.fullmatch(
        r"REPORT RequestId: the-id\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
        r"Max Memory Used: [1-9]\d* MB\tInit Duration: \d+\.\d\d ms\t",
        lines[5],
    )
    assert bench.log().startswith("INIT_START Runtime Version: python:3.")
    [started] = bench.happenings(AttemptStarted)
    [ended] = bench.happenings(AttemptEnded)
    assert isinstance(started.happening, AttemptStarted)
    assert isinstance(ended.happening, AttemptEnded)
    assert started.happening.cold
    assert ended.happening.status == "success"
    assert ended.happening.init_seconds is not None
    again = await fleet.run(function, bench.attempt(function))
    assert b"Init Duration" not in again.log_tail


async def test_the_tail_is_the_last_four_kilobytes(bench: Bench) -> None:
    function = bench.deploy("def handler(e, c):\n    for n in range(1000): print('line', n)")
    outcome = await bench.run(bench.fleet(), function)
    assert len(outcome.log_tail) == 4096
    assert b"line 999\nEND" in outcome.log_tail
    assert bench.log().count("line ") == 1000


async def test_json_logs(bench: Bench) -> None:
    function = bench.deploy(
        "import logging\ndef handler(e, c):\n    logging.getLogger().info('hello')", log_format="JSON"
    )
    outcome = await bench.run(bench.fleet(), function)
    start, line, report = (json.loads(text) for text in outcome.log_tail.decode().splitlines())
    assert start["type"] == "platform.start"
    assert (line["level"], line["message"]) == ("INFO", "hello")
    assert report["record"]["status"] == "success"


async def test_what_the_process_finds_around_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVER_SECRET", "not yours")
    function = bench.deploy(
        """
        import os, resource, sys
        SEEN = os.environ.get("_X_AMZN_TRACE_ID")
        def handler(event, context):
            return {
                "env": dict(os.environ), "cwd": os.getcwd(), "path": sys.path[0], "argv": sys.argv, "trace": SEEN,
                "main": sys.modules["__main__"].__file__, "callpark": "callpark" in sys.modules,
                "stdin": sys.stdin.read(), "client": context.client_context.custom, "arn": context.invoked_function_arn,
                "left": context.get_remaining_time_in_millis(), "session": os.getsid(0) == os.getpid(),
                "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
                "tmp": os.path.isdir(os.environ["TMPDIR"]),
            }
        """,
        environment={"MINE": "yes", "AWS_REGION": "mars-1", "AWS_ACCESS_KEY_ID": "AKIA"},
    )
    fleet = bench.fleet(endpoint_url="http://127.0.0.1:4566")
    attempt = Attempt("id", b"{}", function.arn + ":live", '{"custom": {"k": "v"}}', "Root=1-2-3;Sampled=0")
    outcome = await fleet.run(function, attempt)
    seen = json.loads(outcome.payload)
    env = seen["env"]
    root = str(function.code_root)
    assert (seen["cwd"], seen["path"], seen["argv"][1:]) == (root, root, ["m.handler"])
    assert seen["main"].endswith("awslambdaric/__main__.py")
    assert not seen["callpark"]
    assert (seen["stdin"], seen["client"], seen["arn"]) == ("", {"k": "v"}, function.arn + ":live")
    assert 9_000 < seen["left"] <= 10_000
    assert seen["session"]
    assert seen["tmp"]
    assert seen["files"] == 1024
    assert seen["trace"] is None
    assert env["_X_AMZN_TRACE_ID"] == "Root=1-2-3;Sampled=0"
    assert (env["MINE"], env["AWS_REGION"], env["AWS_ACCESS_KEY_ID"]) == ("yes", "us-east-1", "AKIA")
    assert (env["AWS_LAMBDA_FUNCTION_NAME"], env["_HANDLER"], env["TZ"]) == ("F", "m.handler", ":UTC")
    assert env["AWS_ENDPOINT_URL"] == env["AWS_ENDPOINT_URL_SQS"] == "http://127.0.0.1:4566"
    assert "SERVER_SECRET" not in env
    assert os.listdir(root) == ["m.py"]


async def test_environments_do_not_share_randomness(bench: Bench) -> None:
    function = bench.deploy("import random\nVALUE = random.random()\ndef handler(e, c):\n    return VALUE")
    fleet = bench.fleet()
    outcomes = await asyncio.gather(*(bench.run(fleet, function) for _ in range(4)))
    assert len({outcome.payload for outcome in outcomes}) == 4


async def test_an_exception_is_awss_error_object(bench: Bench) -> None:
    function = bench.deploy("def handler(e, c):\n    raise ValueError('boom!')")
    outcome = await bench.run(bench.fleet(), function)
    error = json.loads(outcome.payload)
    assert outcome.function_error == "Unhandled"
    assert list(error) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert (error["errorMessage"], error["errorType"]) == ("boom!", "ValueError")
    assert error["stackTrace"] == ["  File \"/var/task/m.py\", line 2, in handler\n    raise ValueError('boom!')\n"]
    assert "[ERROR] ValueError: boom!\nTraceback (most recent call last):\n" in outcome.log_tail.decode()


@pytest.mark.parametrize(
    ("source", "handler", "error_type"),
    [
        ("import nothing_of_the_kind", "m.handler", "Runtime.ImportModuleError"),
        ("def handler(:", "m.handler", "Runtime.UserCodeSyntaxError"),
        ("x = 1", "m.handler", "Runtime.HandlerNotFound"),
        ("x = 1", "handler", "Runtime.MalformedHandlerName"),
        ("raise KeyError('at import')", "m.handler", "KeyError"),
    ],
)
async def test_code_that_does_not_load(bench: Bench, source: str, handler: str, error_type: str) -> None:
    function = bench.deploy(source, handler=handler)
    outcome = await bench.run(bench.fleet(), function)
    error = json.loads(outcome.payload)
    assert outcome.function_error == "Unhandled"
    assert (error["errorType"], error["requestId"]) == (error_type, "")
    assert "INIT_REPORT" in bench.log()
    assert all(str(function.code_root) not in frame for frame in error["stackTrace"][1:])


async def test_a_bad_event_and_a_bad_result(bench: Bench) -> None:
    function = bench.deploy("def handler(e, c):\n    return object()")
    fleet = bench.fleet()
    assert json.loads((await bench.run(fleet, function)).payload)["errorType"] == "Runtime.MarshalError"
    assert json.loads((await bench.run(fleet, function, b"{")).payload)["errorType"] == "Runtime.UnmarshalError"


async def test_sizes_to_the_limit_and_beyond(bench: Bench) -> None:
    function = bench.deploy("def handler(e, c):\n    return 'x' * e['n']")
    fleet = bench.fleet()
    await bench.run(fleet, function, b'{"n": 0, "pad": "' + b"y" * 5_000_000 + b'"}')
    assert len((await bench.run(fleet, function, b'{"n": 6291554}')).payload) == 6_291_556
    outcome = await bench.run(fleet, function, b'{"n": 6291555}')
    assert outcome.function_error == "Unhandled"
    assert json.loads(outcome.payload) == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }
    assert (await bench.run(fleet, function, b'{"n": 1}')).payload == b'"x"'


async def test_an_interpreter_of_its_own_behaves_the_same(bench: Bench) -> None:
    function = bench.deploy(
        """
        import logging, sys
        def handler(event, context):
            logging.getLogger().warning("framed")
            if event: raise ValueError("boom")
            return sys.argv[1:]
        """
    )
    fleet = bench.fleet(launcher=PlainLauncher())
    outcome = await bench.run(fleet, function)
    assert (outcome.payload, outcome.function_error) == (b'["m.handler"]', None)
    assert b"\tframed\n" in outcome.log_tail
    assert json.loads((await bench.run(fleet, function, b"1")).payload)["stackTrace"][0].startswith(
        '  File "/var/task/m.py"'
    )


async def test_a_warm_sdk_is_a_fresh_sdk(bench: Bench) -> None:
    function = bench.deploy(
        """
        import sys
        WARM = "boto3" in sys.modules
        import boto3
        ONE, TWO = (boto3.Session().client("dynamodb") for _ in range(2))
        def handler(event, context):
            metas = [client.meta for client in (ONE, TWO)]
            seen = [m.region_name + m.endpoint_url + str(len(m.service_model.operation_names)) for m in metas]
            return [*seen, WARM]
        """
    )
    launcher = ForkingLauncher()
    await launcher.warm("boto3")
    outcome = await bench.run(bench.fleet(endpoint_url="http://127.0.0.1:9", launcher=launcher), function)
    one, two, warm = json.loads(outcome.payload)
    assert one == two
    assert one.startswith("us-east-1http://127.0.0.1:9")
    assert warm


async def test_other_runtimes_are_refused_by_name_and_other_pythons_run(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = bench.fleet()
    with pytest.raises(EnvironmentUnavailable, match="java21"):
        await bench.run(fleet, bench.deploy("", name="J", runtime="java21"))
    function = bench.deploy("def handler(e, c):\n    return 1", runtime="python3.99", environment={"_HANDLER": "x"})
    assert (await bench.run(fleet, function)).payload == b"1"
    await bench.run(fleet, function)
    warned = [record.getMessage() for record in caplog.records if record.name == "callpark"]
    assert len([text for text in warned if "python3.99" in text]) == 1
    assert "function F: AWS reserves the variable _HANDLER; it is not set" in warned
