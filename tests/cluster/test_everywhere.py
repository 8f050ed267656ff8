"""What an operator reads and changes holds for all nodes, whichever is asked."""

import asyncio
import functools
import json
from pathlib import Path

import httpx
import pytest

from tests.cluster.several import Running, post, several
from tests.functions.plain_environments import Handler, HandlerError, Run

pytestmark = pytest.mark.process

_DAY = 86_400


class Failing:
    """A handler that fails when it is told to."""

    def __call__(self, run: Run) -> object:
        if isinstance(run.event, dict) and run.event.get("fail"):
            raise HandlerError("as told")
        return {"ran": True}


def handlers() -> dict[str, Handler]:
    return {"Plain": Failing(), "Narrow": Failing(), "Worker": Failing()}


async def _invoke(node: Running, function: str, event: object, kind: str = "RequestResponse") -> httpx.Response:
    return await post(
        f"{node.url}/2015-03-31/functions/{function}/invocations",
        json.dumps(event).encode(),
        {"x-amz-invocation-type": kind},
    )


async def _page(node: Running, path: str, method: str = "GET", body: object = None) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=30, verify=False) as client:
        return await client.request(method, f"{node.url}/_callpark{path}", json=body)


async def _sum(node: Running, metric: str, statistic: str = "Sum") -> tuple[float, dict[str, object]]:
    now = node.app.clock.now()
    query = {
        "Id": "q",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/Lambda",
                "MetricName": metric,
                "Dimensions": [{"Name": "FunctionName", "Value": "Plain"}],
            },
            "Period": _DAY,
            "Stat": statistic,
        },
    }
    client = node.client("cloudwatch")
    answer = await asyncio.to_thread(
        lambda: client.get_metric_data(MetricDataQueries=[query], StartTime=now - _DAY / 2, EndTime=now + _DAY / 2)
    )
    (result,) = answer["MetricDataResults"]
    return sum(result["Values"]), {"status": result["StatusCode"], "messages": answer["Messages"]}


async def test_metrics_are_sums_over_nodes_and_say_whose_part_is_missing(tmp_path: Path) -> None:
    async with several(tmp_path, handlers()) as cluster, asyncio.timeout(30):
        one, two, three = cluster.nodes
        for node, times in ((one, 1), (two, 2), (three, 3)):
            for _ in range(times):
                assert (await _invoke(node, "Plain", {}, "Event")).status_code == 202
        for node in cluster.nodes:
            assert await _sum(node, "AsyncEventsReceived") == (6.0, {"status": "Complete", "messages": []})
            assert (await _sum(node, "AsyncEventsReceived", "SampleCount"))[0] == 6.0
            client = node.client("cloudwatch")
            listed = await asyncio.to_thread(
                functools.partial(
                    client.list_metrics,
                    MetricName="AsyncEventsReceived",
                    Dimensions=[{"Name": "FunctionName", "Value": "Plain"}],
                )
            )
            assert len(listed["Metrics"]) == 2, "the function, and its resource: each once"
        await three.server.stop()  # it lives, and answers nobody
        found, told = await _sum(one, "AsyncEventsReceived")
        assert found == 3.0
        assert told == {
            "status": "PartialData",
            "messages": [{"Code": "PartialData", "Value": "node n2 does not answer: its part is missing"}],
        }


async def test_an_events_story_is_told_by_any_node(tmp_path: Path) -> None:
    async with several(tmp_path, handlers(), count=2) as cluster, asyncio.timeout(30):
        holder, (other,) = cluster.holder("function", "Narrow"), cluster.others("function", "Narrow")
        request_id = (await _invoke(other, "Narrow", {"n": 1}, "Event")).headers["x-amzn-requestid"]
        await holder.app.functions.wait_for_event(request_id)
        for each in cluster.nodes:
            story = (await _page(each, f"/events/{request_id}")).json()
            at = {step["kind"]: step["node"] for step in story["steps"]}
            assert (at["accepted"], at["succeeded"]) == (other.node.me.name, holder.node.me.name)
            assert (story["standing"]["status"], story["standing"]["node"]) == ("succeeded", holder.node.me.name)
            assert (story["payload"], story["response"]) == ('{"n": 1}', '{"ran": true}')
            listed = (await _page(each, "/events?function=Narrow")).json()
            assert [event["node"] for event in listed["succeeded"]] == [holder.node.me.name]
            assert listed["totals"] == {"events": 0, "discarded": 0, "succeeded": 1}
        again = await _page(other, f"/events/{request_id}/replay", "POST", {"n": 2})
        assert (await holder.app.functions.wait_for_event(again.json()["requestId"])).request == b'{"n":2}'
        assert (await _page(other, "/events/nobody")).status_code == 404


async def test_what_one_node_discarded_another_lists_and_sends_again(tmp_path: Path) -> None:
    async with several(tmp_path, handlers(), count=2) as cluster, asyncio.timeout(30):
        one, two = cluster.nodes
        client = one.client("lambda")
        await asyncio.to_thread(
            lambda: client.put_function_event_invoke_config(FunctionName="Narrow", MaximumRetryAttempts=0)
        )
        request_id = (await _invoke(two, "Narrow", {"fail": 1}, "Event")).headers["x-amzn-requestid"]
        holder = cluster.holder("function", "Narrow")
        other = one if holder is two else two
        await holder.app.functions.wait_for_event(request_id)
        (listed,) = (await _page(other, "/events?function=Narrow")).json()["discarded"]
        assert (listed["requestId"], listed["reason"]) == (request_id, "RetriesExhausted")
        (redriven,) = (await _page(other, "/events/redrive", "POST", {"function": "Narrow"})).json()["redriven"]
        await holder.app.functions.wait_for_event(redriven["copy"])
        assert [event["requestId"] for event in (await _page(holder, "/events")).json()["discarded"]] == [
            redriven["copy"]
        ]


async def test_the_next_deliveries_go_wrong_so_many_times_in_the_whole_cluster(tmp_path: Path) -> None:
    async with several(tmp_path, handlers()) as cluster, asyncio.timeout(30):
        one, two, three = cluster.nodes
        asked = {"function": "Plain", "kind": "fail", "deliveries": 5}
        await _page(one, "/faults", "POST", asked)
        assert (await _page(three, "/faults")).json()["faults"][0]["deliveries"] == 5
        answers = await asyncio.gather(*(_invoke(each, "Plain", {}) for each in cluster.nodes for _ in range(6)))
        assert sum("x-amz-function-error" in answer.headers for answer in answers) == 5
        assert (await _page(two, "/faults")).json() == {"faults": []}
        await _page(two, "/faults", "POST", asked)
        await _page(three, "/faults?function=Plain", "DELETE")
        assert "x-amz-function-error" not in (await _invoke(one, "Plain", {})).headers


_FRESH = """import { util } from '@aws-appsync/utils';
export function request(ctx) { return { payload: util.autoId() }; }
export function response(ctx) { return ctx.result; }"""
_EVICT = """import { extensions } from '@aws-appsync/utils';
export function request(ctx) { return { payload: {} }; }
export function response(ctx) { extensions.evictFromApiCache('Query', 'nothing', {}); return { text: 'gone' }; }"""


async def test_what_is_flushed_or_evicted_at_one_node_is_gone_at_all(tmp_path: Path) -> None:
    async with several(tmp_path, handlers(), count=2) as cluster, asyncio.timeout(50):
        client = cluster.nodes[0].client("appsync")
        (api,) = (await asyncio.to_thread(client.list_graphql_apis))["graphqlApis"]
        whole = {"apiId": api["apiId"], "dataSourceName": "Nobody"}
        runtime = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}

        def prepare() -> str:
            client.create_resolver(**whole, typeName="Query", fieldName="nothing", code=_FRESH, runtime=runtime)
            client.update_resolver(**whole, typeName="Mutation", fieldName="add", code=_EVICT, runtime=runtime)
            client.create_api_cache(
                apiId=api["apiId"], ttl=600, apiCachingBehavior="FULL_REQUEST_CACHING", type="SMALL"
            )
            return str(client.create_api_key(apiId=api["apiId"])["apiKey"]["id"])

        key = await asyncio.to_thread(prepare)
        for each in cluster.nodes:
            assert each.app.together is not None
            await each.app.together.news.renew_all()

        async def asked(node: Running, query: str) -> dict[str, str]:
            answer = await post(
                f"{node.url}/apis/{api['apiId']}/graphql", json.dumps({"query": query}).encode(), {"x-api-key": key}
            )
            found = answer.json()
            assert "errors" not in found, found
            return dict(found["data"])

        async def values() -> list[str]:
            return [(await asked(each, "{ nothing }"))["nothing"] for each in cluster.nodes]

        kept = await values()
        assert await values() == kept, "each node remembers its own"
        await asyncio.to_thread(lambda: cluster.nodes[1].client("appsync").flush_api_cache(apiId=api["apiId"]))
        flushed = await values()
        assert not set(flushed) & set(kept)
        await asked(cluster.nodes[0], 'mutation { add(text: "x") { text } }')
        while set(await values()) & set(flushed):  # noqa: ASYNC110 (it asks again)
            await asyncio.sleep(0.02)  # the other node hears it in a moment
