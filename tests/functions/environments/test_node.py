"""Node.js handlers through our own bootstrap."""

import json
import re

import pytest

from callpark.functions.environments.fleet import Fleet
from callpark.functions.environments.ports import Attempt, EnvironmentUnavailable, Outcome
from tests.functions.environments.conftest import Bench, needs_node

pytestmark = [pytest.mark.process, needs_node]

COMMONJS = """
exports.echo = async (event, context) => ({
  event, id: context.awsRequestId, left: context.getRemainingTimeInMillis(), name: context.functionName,
  arn: context.invokedFunctionArn, client: context.clientContext, cwd: process.cwd(),
  trace: process.env._X_AMZN_TRACE_ID,
});
exports.callback = (event, context, callback) => setTimeout(() => callback(null, "called back"), 5);
exports.waits = (event, context, callback) => {
  let s = "first";
  callback(null, { get s() { return s } });
  setTimeout(() => { s = "last" }, 20);
};
exports.silent = () => {};
exports.talk = async () => {
  console.log("two\\nlines %d", 7);
  console.error({ a: 1 });
  process.stdout.write("raw\\n");
};
exports.fails = async () => { throw new TypeError("no good") };
exports.text = async () => { throw "just text" };
exports.refuses = (event, context, callback) => callback(new Error("refused"));
exports.circular = async () => { const a = {}; a.a = a; return a };
exports.never = () => new Promise(() => {});
exports.stray = async () => { Promise.reject(new Error("stray")); await new Promise((r) => setTimeout(r, 500)) };
exports.thrown = async () => {
  setTimeout(() => { throw new Error("late") }, 1);
  await new Promise((r) => setTimeout(r, 500));
};
exports.exits = async () => process.exit(7);
exports.same = async (event) => event;
exports.big = async (n) => "x".repeat(n);
exports.nested = { deep: async () => "deep" };
exports.value = 5;
"""


async def run(bench: Bench, fleet: Fleet, name: str, payload: bytes = b"{}") -> Outcome:
    function = bench.deploy(COMMONJS, name=name, handler=f"m.{name}", file="m.js", runtime="nodejs20.x")
    return await fleet.run(function, Attempt("the-id", payload, function.arn, '{"custom":"é"}', "Root=1"))


async def test_event_and_context(bench: Bench) -> None:
    outcome = await run(bench, bench.fleet(), "echo", b'{"a":1}')
    seen = json.loads(outcome.payload)
    assert (seen["event"], seen["id"], seen["name"], seen["trace"]) == ({"a": 1}, "the-id", "echo", "Root=1")
    assert seen["client"] == {"custom": "é"}
    assert 8_000 < seen["left"] <= 10_000
    assert seen["cwd"] == str(bench.directory / "echo")
    assert re.search(rb"Max Memory Used: \d\d+ MB\tInit Duration", outcome.log_tail)


@pytest.mark.parametrize(
    ("name", "payload"),
    [("callback", b'"called back"'), ("waits", b'{"s":"last"}'), ("silent", b"null"), ("nested.deep", b'"deep"')],
)
async def test_ways_to_answer(bench: Bench, name: str, payload: bytes) -> None:
    outcome = await run(bench, bench.fleet(), name)
    assert (outcome.payload, outcome.function_error) == (payload, None)


@pytest.mark.parametrize(
    ("name", "error_type", "message"),
    [
        ("fails", "TypeError", "no good"),
        ("text", "string", "just text"),
        ("refuses", "Error", "refused"),
        ("circular", "Runtime.MarshalError", "Unable to stringify response body as json"),
        ("never", "Runtime.NodeJsExit", "promise"),
        ("stray", "Runtime.UnhandledPromiseRejection", "Error: stray"),
        ("thrown", "Error", "late"),
        ("exits", "Runtime.ExitError", "exit status 7"),
        ("absent", "Runtime.HandlerNotFound", "m.absent is undefined or not exported"),
        ("value", "Runtime.HandlerNotFound", "m.value is not a function"),
    ],
)
async def test_ways_to_fail(bench: Bench, name: str, error_type: str, message: str) -> None:
    fleet = bench.fleet()
    outcome = await run(bench, fleet, name)
    error = json.loads(outcome.payload)
    assert outcome.function_error == "Unhandled"
    assert error["errorType"] == error_type
    assert message in error["errorMessage"]
    if name == "fails":
        assert list(error) == ["errorType", "errorMessage", "trace"]
        assert error["trace"][0] == "TypeError: no good"
        assert "/var/task/m.js" in error["trace"][1]


async def test_log_records(bench: Bench) -> None:
    outcome = await run(bench, bench.fleet(), "talk")
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\tthe-id"
    assert re.search(rf"{stamp}\tINFO\ttwo\nlines 7\n{stamp}\tERROR\t{{ a: 1 }}\nraw\n", outcome.log_tail.decode())


async def test_an_answer_that_is_too_large_leaves_the_environment_as_it_is(bench: Bench) -> None:
    fleet = bench.fleet()
    outcome = await run(bench, fleet, "big", b"6291555")
    assert json.loads(outcome.payload)["errorType"] == "Function.ResponseSizeTooLarge"
    after = await run(bench, fleet, "big", b"1")
    assert after.payload == b'"x"'
    assert b"Init Duration" not in after.log_tail


async def test_events_and_answers_of_all_sizes_on_one_connection(bench: Bench) -> None:
    fleet = bench.fleet()
    for size in (0, 4_000, 4_094, 4_095, 70_000, 3_000_000, 1):
        event = b'"%s"' % ("é".encode() * (size // 2))
        assert (await run(bench, fleet, "same", event)).payload == event
    after = await run(bench, fleet, "same", b"{}")
    assert b"Init Duration" not in after.log_tail


async def test_a_short_answer_that_is_refused_costs_a_connection_and_no_event(bench: Bench) -> None:
    fleet = bench.fleet("response_payload_bytes=100")
    for _ in range(2):
        outcome = await run(bench, fleet, "big", b"99")
        assert json.loads(outcome.payload)["errorType"] == "Function.ResponseSizeTooLarge"
        after = await run(bench, fleet, "big", b"1")
        assert (after.payload, b"Init Duration" in after.log_tail) == (b'"x"', False)


async def test_modules_and_subdirectories(bench: Bench) -> None:
    fleet = bench.fleet()
    module = bench.deploy(
        "const x = await Promise.resolve(3);\nexport const handler = async () => x;",
        name="E", file="m.mjs", runtime="nodejs22.x",
    )  # fmt: skip
    assert (await bench.run(fleet, module)).payload == b"3"
    (bench.directory / "P" / "src").mkdir(parents=True)
    (bench.directory / "P" / "package.json").write_text('{"type":"module"}')
    typed = bench.deploy(
        "export const handler = async () => typeof require;",
        name="P", file="src/app.js", handler="src/app.handler", runtime="nodejs20.x",
    )  # fmt: skip
    assert (await bench.run(fleet, typed)).payload == b'"undefined"'


@pytest.mark.parametrize(
    ("source", "handler", "error_type"),
    [
        ("require('nothing-of-the-kind')", "m.handler", "Runtime.ImportModuleError"),
        ("exports.handler = (", "m.handler", "Runtime.UserCodeSyntaxError"),
        ("throw new RangeError('at load')", "m.handler", "RangeError"),
        ("", "elsewhere.handler", "Runtime.ImportModuleError"),
        ("", "m", "Runtime.MalformedHandlerName"),
    ],
)
async def test_code_that_does_not_load(bench: Bench, source: str, handler: str, error_type: str) -> None:
    function = bench.deploy(source, handler=handler, file="m.js", runtime="nodejs20.x")
    outcome = await bench.run(bench.fleet(), function)
    assert json.loads(outcome.payload)["errorType"] == error_type


async def test_without_node_the_remedy_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLPARK_NODE", "/nowhere/node")
    with pytest.raises(EnvironmentUnavailable, match="CALLPARK_NODE"):
        await run(bench, bench.fleet(), "echo")


async def test_json_logs(bench: Bench) -> None:
    function = bench.deploy(
        "exports.handler = async () => { console.warn('careful', 1) }",
        file="m.js",
        runtime="nodejs20.x",
        log_format="JSON",
    )
    outcome = await bench.run(bench.fleet(), function)
    line = json.loads(outcome.log_tail.decode().splitlines()[1])
    assert (line["level"], line["message"]) == ("WARN", "careful 1")
