"""AppSync's side: execution of a large list, a JavaScript unit resolver. The fan-out is `fan_out.py`'s."""

import tempfile
import time
from pathlib import Path

from bench.figures import Figure, percentile
from bench.peers import bare_quickjs, graphql_core_list
from callpark.graphql.auth.access import Access, Default
from callpark.graphql.execution import Execution
from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.model import (
    ApiDefinition,
    ApiKey,
    AuthenticationProvider,
    CodeDefinition,
    DataSourceDefinition,
    ResolverDefinition,
)
from callpark.graphql.plan import PlanSettings, compile_plan
from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.host import JavaScriptHost
from callpark.graphql.schema import build_schema
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits
from callpark.projects.model import Project
from callpark.serving import served
from callpark.settings import Settings
from graphql import OperationDefinitionNode, parse

SCHEMA = """
type Query { sum(a: Int, b: Int): Int }
type Mutation { publish(sent: String): Message }
type Subscription { onMessage: Message @aws_subscribe(mutations: ["publish"]) }
type Message { sent: String token: String }
"""

SUM = """
export function request(ctx) { return { payload: ctx.args.a + ctx.args.b } }
export function response(ctx) { return ctx.result }
"""

PUBLISH = """
export function request(ctx) { return { payload: { sent: ctx.args.sent, token: 'once upon a time' } } }
export function response(ctx) { return ctx.result }
"""

API = ApiDefinition(
    api_id="bench",
    name="bench",
    authentication=(AuthenticationProvider("API_KEY"),),
    schema=SCHEMA,
    data_sources=(DataSourceDefinition("none", "NONE"),),
    resolvers=(
        ResolverDefinition("Query", "sum", "UNIT", "none", code=CodeDefinition(SUM)),
        ResolverDefinition("Mutation", "publish", "UNIT", "none", code=CodeDefinition(PUBLISH)),
    ),
    api_keys=(ApiKey("da2-bench", 4e9),),
)


async def figures() -> list[Figure]:
    ours, peer = _list_milliseconds(), graphql_core_list.milliseconds()
    resolver = await _resolver_microseconds()
    handler, engine = _handler_microseconds(), bare_quickjs.microseconds(HANDLER_CONTEXT)
    return [
        Figure(
            "1,000 × 4 list, execution",
            ours,
            "ms",
            "≤ 1/15 of the peer",
            ours <= peer / 15,
            "graphql-core execute",
            peer,
            False,
        ),
        Figure("JavaScript unit resolver, in process", resolver, "µs", "≤ 150 µs", resolver <= 150),
        Figure(
            "JavaScript handler, one evaluation",
            handler,
            "µs",
            "≤ 10 × the peer",
            handler <= 10 * engine,
            "bare quickjs-ng",
            engine,
            False,
        ),
    ]


def _list_milliseconds(rounds: int = 50) -> float:
    """The median time of executing the compiled plan of the peer's document over the peer's data."""
    schema = build_schema(graphql_core_list.SCHEMA, "bench")
    document = parse(graphql_core_list.DOCUMENT)
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    plan = compile_plan(
        PlanSettings(schema, {}, Default("API_KEY"), 10_000), document, operation, {}, Access("API_KEY"), {}
    )
    request = GraphqlRequest(graphql_core_list.DOCUMENT)
    times = []
    for _ in range(rounds):
        execution = Execution(request, {}, 10_000, lambda field, value: None)
        started = time.perf_counter()
        data = plan.start(execution, {"posts": graphql_core_list.POSTS})
        times.append(time.perf_counter() - started)
        assert data == {"posts": graphql_core_list.POSTS}
    return percentile(times, 0.5) * 1_000


HANDLER_CONTEXT: dict[str, object] = {
    "args": {"a": 1, "b": 2},
    "arguments": {"a": 1, "b": 2},
    "stash": {},
    "source": None,
    "identity": {"sub": "a", "claims": {"scope": "b"}},
    "request": {"headers": {"host": "127.0.0.1", "accept": "*/*", "user-agent": "bench"}, "domainName": None},
    "prev": None,
    "env": {},
    "outErrors": [],
    "info": {"fieldName": "sum", "parentTypeName": "Query", "variables": {}, "selectionSetList": []},
}


def _handler_microseconds(rounds: int = 2_000) -> float:
    """The median time of one evaluation of a request handler: budget, sealed engine, stash and arguments included."""
    host = JavaScriptHost(VirtualClock(), SeededIds(1), AppSyncLimits())
    unit = host.load(SUM)
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        done = unit.evaluate("request", HANDLER_CONTEXT, "API Key Authorization")
        times.append(time.perf_counter() - started)
    assert isinstance(done, Evaluation)
    assert done.value == {"payload": 3}
    return percentile(times, 0.5) * 1e6


async def _resolver_microseconds(rounds: int = 2_000) -> float:
    """The median time of a whole request, documents cached: request handler, NONE data source, response handler."""
    with tempfile.TemporaryDirectory() as data:
        async with served(Settings(data=Path(data), port=0), lambda: Project("bench", Path(), apis=(API,))) as app:
            request = GraphqlRequest("{ sum(a: 1, b: 2) }")
            times = []
            for _ in range(rounds):
                started = time.perf_counter()
                response = await app.graphql.execute("bench", request)
                times.append(time.perf_counter() - started)
            assert response.data == {"sum": 3}, response
    return percentile(times, 0.5) * 1e6
