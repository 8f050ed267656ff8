"""The log of an API with a LogConfig: which lines, at which level, in AppSync's words."""

import json
from dataclasses import replace
from typing import Any, Literal

import pytest

from callpark.graphql.happenings import RequestLogged
from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.model import CodeDefinition, LogDefinition, ResolverDefinition
from callpark.graphql.request_log import RequestLog
from callpark.kernel.clock import VirtualClock, sleep
from callpark.kernel.errors import CallerError
from callpark.kernel.trace import Entry
from tests.graphql.conftest import ECHO, PASS_ON, Bench

pytestmark = pytest.mark.unit

SCHEMA = "type Query { ok(id: ID): Item  bad: Item  slow: Item  piped: Item  old: Item }  type Item { id: ID }"
INVOKE = 'export function request(ctx) { return { operation: "Invoke", payload: ctx.args }; }\n'
OK = INVOKE + PASS_ON
BAD = INVOKE + 'export function response(ctx) { util.error("no", "Bad"); }'
STEP = "export function request(ctx) { ctx.stash.seen = 1; return { payload: { id: 'p' } }; }\n" + PASS_ON
AROUND = "export function request(ctx) { return {}; }\nexport function response(ctx) { return ctx.prev.result; }"
Level = Literal["NONE", "ERROR", "ALL", "INFO", "DEBUG"]


class Logged:
    def __init__(self, bench: Bench, level: Level, *, verbose: bool = True) -> None:
        self.lines: list[str] = []
        self.ids: list[str] = []
        self._bench = bench
        bench.trace.listen(self._hear)
        functions: dict[str, tuple[str, str | None]] = {"step": ("NONE", STEP)}
        resolvers: dict[str, Any] = {
            "Query.ok": OK,
            "Query.bad": BAD,
            "Query.slow": OK,
            "Query.piped": (AROUND, "step"),
        }
        bench.api(SCHEMA, resolvers, functions=functions)
        definition = bench.service.api("api")
        assert definition is not None
        old = ResolverDefinition(
            "Query",
            "old",
            "UNIT",
            data_source="NONE",
            request_template=CodeDefinition('{"version": "2018-05-29", "payload": {"id": "o"}}'),
            response_template=CodeDefinition("$util.toJson($ctx.result)"),
        )
        bench.service.apply(
            [replace(definition, logs=LogDefinition(level, verbose), resolvers=(*definition.resolvers, old))]
        )

    def _hear(self, entry: Entry) -> None:
        if isinstance(entry.happening, RequestLogged):
            assert entry.happening.api_id == "api"
            self.ids.append(entry.happening.request_id)
            self.lines += entry.happening.lines

    async def ask(self, query: str, **members: Any) -> None:
        self.lines.clear()
        await self._bench.service.execute("api", GraphqlRequest(query, **members))

    def entries(self, kind: str) -> list[dict[str, Any]]:
        found = [json.loads(line) for line in self.lines if line.startswith("{")]
        return [each for each in found if each["logType"] == kind]

    def kinds(self) -> list[str]:
        return [json.loads(line)["logType"] if line.startswith("{") else line.split(" - ")[0] for line in self.lines]


async def test_a_request_that_went_well_at_level_all(bench: Bench) -> None:
    logged = Logged(bench, "ALL")
    headers: dict[str, Any] = {"x-api-key": "da2-secret", "x-mine": "1"}
    await logged.ask(
        "query Q($id: ID) { ok(id: $id) { id } }", variables={"id": "7"}, headers=headers, operation_name="Q"
    )
    assert logged.lines[:3] == [
        "Begin Request",
        'GraphQL Query: query Q($id: ID) { ok(id: $id) { id } }, Operation: Q, Variables: {"id":"7"}',
        'Request Headers: {"headers":{"x-api-key":"***","x-mine":"1"}}',
    ]
    assert logged.kinds()[3:] == [
        "Begin Execution",
        "RequestFunctionEvaluation",
        "ResponseFunctionEvaluation",
        "End Field Execution",
        "Begin Tracing",
        "Tracing",
        "End Tracing",
        "ExecutionSummary",
        "RequestSummary",
        "Tokens Consumed: 1",
        "End Request",
    ]
    assert logged.lines[3] == "Begin Execution - Type Name: Query and Field Name: ok"
    (request,) = logged.entries("RequestFunctionEvaluation")
    arn = "arn:aws:appsync:us-east-1:123456789012:apis/api/types/Query/resolvers/ok"
    assert request == {
        "logType": "RequestFunctionEvaluation",
        "path": ["ok"],
        "fieldName": "ok",
        "resolverArn": arn,
        "requestId": logged.ids[0],
        "context": {"arguments": {"id": "7"}, "stash": {}, "outErrors": []},
        "fieldInError": False,
        "parentType": "Query",
        "graphQLAPIId": "api",
        "evaluationResult": {"operation": "Invoke", "payload": {"id": "7"}},
    }
    (response,) = logged.entries("ResponseFunctionEvaluation")
    assert response["context"]["result"] == response["evaluationResult"] == {"id": "7"}
    (tracing,) = logged.entries("Tracing")
    assert (tracing["returnType"], tracing["resolverArn"], tracing["startOffset"]) == ("Item", arn, 0)
    (summary,) = logged.entries("RequestSummary")
    assert (summary["statusCode"], summary["requestId"]) == (200, logged.ids[0])


async def test_durations_are_the_clocks(bench: Bench, clock: VirtualClock) -> None:
    logged = Logged(bench, "ALL")

    async def slow(event: Any) -> object:
        await sleep(clock, 1.5)
        return {"id": "1"}

    bench.functions.handlers[ECHO] = slow
    await clock.run_until(logged.ask("{ slow { id } }"))
    assert logged.entries("Tracing")[0]["duration"] == 1_500_000_000
    summary = logged.entries("ExecutionSummary")[0]
    assert (summary["duration"], summary["startTime"], summary["endTime"]) == (
        1_500_000_000,
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T00:00:01.500Z",
    )


@pytest.mark.parametrize("level", ["ERROR", "INFO", "DEBUG"])
async def test_only_fields_in_error(bench: Bench, level: Level) -> None:
    logged = Logged(bench, level)
    await logged.ask("{ ok { id } bad { id } }")
    assert [each["fieldName"] for each in logged.entries("Tracing")] == ["bad"]
    (response,) = logged.entries("ResponseFunctionEvaluation")
    assert (response["fieldInError"], response["errors"]) == (True, ["no"])
    assert 'Field Error: {"message":"no","errorType":"Bad"}' in logged.lines


async def test_no_fields_at_level_none_and_no_contents_unless_verbose(bench: Bench) -> None:
    logged = Logged(bench, "NONE", verbose=False)
    await logged.ask("{ bad { id } }")
    kinds = ["ExecutionSummary", "RequestSummary"]
    assert logged.kinds() == ["Begin Request", logged.lines[1], *kinds, "Tokens Consumed: 1", "End Request"]
    quiet = Logged(bench, "ALL", verbose=False)
    await quiet.ask("{ ok { id } }")
    (request,) = quiet.entries("RequestFunctionEvaluation")
    assert not {"context", "evaluationResult"} & set(request)
    assert not any(line.startswith("Request Headers") for line in quiet.lines)


async def test_pipelines_and_templates_have_names_of_their_own(bench: Bench) -> None:
    logged = Logged(bench, "ALL")
    await logged.ask("{ piped { id } }")
    assert [kind for kind in logged.kinds() if "Evaluation" in kind] == [
        "BeforeRequestFunctionEvaluation",
        "RequestFunctionEvaluation",
        "ResponseFunctionEvaluation",
        "AfterResponseFunctionEvaluation",
    ]
    (step,) = logged.entries("RequestFunctionEvaluation")
    assert step["functionName"] == "step"
    assert step["functionArn"] == "arn:aws:appsync:us-east-1:123456789012:apis/api/functions/step"
    await logged.ask("{ old { id } }")
    assert [kind for kind in logged.kinds() if "Mapping" in kind] == ["RequestMapping", "ResponseMapping"]
    assert logged.entries("RequestMapping")[0]["transformedTemplate"]["payload"] == {"id": "o"}


async def test_requests_that_are_refused_are_logged_too(bench: Bench) -> None:
    logged = Logged(bench, "ALL")
    await logged.ask("{ nothing }")
    assert logged.lines[-1] == "End Request"
    with pytest.raises(CallerError):
        await logged.ask("query A { ok { id } } query B { ok { id } }")
    assert logged.entries("RequestSummary")[0]["statusCode"] == 400


async def test_an_api_without_a_log_config_writes_none(bench: Bench) -> None:
    logged = Logged(bench, "ALL")
    definition = bench.service.api("api")
    assert definition is not None
    bench.service.apply([replace(definition, logs=None)])
    await logged.ask("{ ok { id } }")
    assert logged.lines == []


def test_a_log_is_bounded(clock: VirtualClock) -> None:
    log = RequestLog(LogDefinition("ALL"), "api", "arn", "id", clock, most_bytes=100)
    for _ in range(100):
        log.add("x" * 30)
    assert log.lines == ["x" * 30] * 3 + ["… the rest of this request's log is left out"]
