"""AppSync's mapping templates: a resolver from end to end, and the engine beside airspeed where that is installed."""

import importlib
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from bench.figures import Figure, percentile
from bench.graphql import API
from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.model import CodeDefinition, ResolverDefinition
from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.vtl.host import VtlHost
from callpark.kernel.clock import SystemClock
from callpark.kernel.ids import SystemIds
from callpark.kernel.limits import AppSyncLimits
from callpark.projects.model import Project
from callpark.serving import served
from callpark.settings import Settings

REQUEST = """
#set($sum = $ctx.args.a + $ctx.args.b)
{ "version": "2018-05-29", "payload": $sum }
"""

SOURCE = """
#set($names = [])
#foreach($item in $ctx.args.items)
  #if($item.age >= 18 && $item.name != "")
    #set($ignored = $names.add("${foreach.count}: $item.name"))
  #end
#end
{ "total": $ctx.args.items.size(), "names": [#foreach($name in $names)"$name"#if($foreach.hasNext), #end#end] }
"""
ARGUMENTS = {"items": [{"name": f"name {number}", "age": 10 + number} for number in range(20)]}


async def figures() -> list[Figure]:
    resolver = await _resolver_microseconds()
    engine = _engine_microseconds()
    peer = _airspeed_microseconds()
    return [
        Figure("VTL unit resolver, in process", resolver, "µs", "≤ 150 µs", resolver <= 150),
        Figure(
            "mapping template, 20 items",
            engine,
            "µs",
            peer="" if peer is None else "airspeed",
            peer_value=peer,
            more_is_better=False,
        ),
    ]


async def _resolver_microseconds(rounds: int = 2_000) -> float:
    """The median time of a whole request, documents cached: request template, NONE data source, response template."""
    request_template, response_template = CodeDefinition(REQUEST), CodeDefinition("$util.toJson($ctx.result)")
    resolver = ResolverDefinition(
        "Query", "sum", "UNIT", "none", request_template=request_template, response_template=response_template
    )
    api = replace(API, resolvers=(resolver,))
    with tempfile.TemporaryDirectory() as data:
        async with served(Settings(data=Path(data), port=0), lambda: Project("bench", Path(), apis=(api,))) as app:
            request = GraphqlRequest("{ sum(a: 1, b: 2) }")
            times = []
            for _ in range(rounds):
                started = time.perf_counter()
                response = await app.graphql.execute(api.api_id, request)
                times.append(time.perf_counter() - started)
            assert response.data == {"sum": 3}, response
    return percentile(times, 0.5) * 1e6


def _engine_microseconds(rounds: int = 2_000) -> float:
    host = VtlHost(SystemClock(), SystemIds(), AppSyncLimits())
    template = host.load(SOURCE)
    context: dict[str, object] = {"arguments": ARGUMENTS}
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        evaluation = template.evaluate(context, "")
        times.append(time.perf_counter() - started)
    assert isinstance(evaluation, Evaluation)
    assert evaluation.halt is None, evaluation.halt
    return percentile(times, 0.5) * 1e6


def _airspeed_microseconds(rounds: int = 200) -> float | None:
    """The same template in airspeed, with the reading of what it prints; None where it is not installed."""
    try:
        airspeed: ModuleType = importlib.import_module("airspeed")
    except ImportError:
        return None
    template = airspeed.Template(SOURCE)
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        json.loads(template.merge({"ctx": {"args": ARGUMENTS}}))
        times.append(time.perf_counter() - started)
    return percentile(times, 0.5) * 1e6
