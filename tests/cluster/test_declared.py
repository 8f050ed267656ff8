"""What the API changes of things that the project declares holds on all nodes, on those that join later too."""

import asyncio
import io
import json
import zipfile
from pathlib import Path

import pytest

from tests.cluster.several import Several, post, several
from tests.functions.plain_environments import Handler, Run

pytestmark = pytest.mark.process


def _seen(run: Run) -> object:
    configuration = run.deployment.configuration
    return {
        "variables": dict(configuration.environment),
        "version": run.deployment.version,
        "code": sorted(each.name for each in run.deployment.code_root.iterdir()),
    }


def handlers() -> dict[str, Handler]:
    return {"Plain": _seen, "Narrow": _seen, "Worker": lambda run: {}}


async def _told(cluster: Several) -> None:
    """Until all nodes have read what was changed."""
    for each in cluster.nodes:
        if not each.stopped:
            assert each.app.together is not None
            await each.app.together.news.renew_all()


async def _invoked(url: str, function: str) -> dict[str, object]:
    answer = await post(f"{url}/2015-03-31/functions/{function}/invocations", b"{}")
    found = json.loads(answer.content)
    assert isinstance(found, dict)
    return found


async def test_configuration_code_versions_and_aliases_of_declared_functions(tmp_path: Path) -> None:
    async with several(tmp_path, handlers(), count=2) as cluster, asyncio.timeout(50):
        client = cluster.others("control", "")[0].client("lambda")
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("other.py", "def handler(event, context): return 2")

        def change() -> None:
            client.update_function_configuration(FunctionName="Plain", Environment={"Variables": {"GREETING": "hello"}})
            client.publish_version(FunctionName="Plain")
            client.create_alias(FunctionName="Plain", Name="live", FunctionVersion="1")
            client.update_function_code(FunctionName="Plain", ZipFile=code.getvalue())
            client.delete_function(FunctionName="Worker")

        await asyncio.to_thread(change)
        await _told(cluster)
        await cluster.add()
        await cluster.settled(3)
        for each in cluster.nodes:
            latest, live = await _invoked(each.url, "Plain"), await _invoked(each.url, "Plain:live")
            assert (latest["variables"], latest["code"]) == ({"GREETING": "hello"}, ["other.py"])
            assert (live["version"], live["code"]) == ("1", ["app.py"])
            gone = await post(f"{each.url}/2015-03-31/functions/Worker/invocations", b"{}")
            assert gone.status_code == 404
            own = await _invoked(each.url, "Narrow")
            assert own["variables"] == {}
        for each in cluster.nodes:
            await each.app.deployment.reload()
            assert (await _invoked(each.url, "Plain"))["code"] == ["other.py"], "the project says what it said"
        template = cluster.project / "template.yaml"
        text = template.read_text()
        template.write_text(text.replace("Runtime: python3.11", "Timeout: 9, Runtime: python3.11", 1))
        await cluster.nodes[0].app.deployment.reload()
        assert (await _invoked(cluster.nodes[0].url, "Plain"))["code"] == ["app.py"], "it says something else now"
        assert (await _invoked(cluster.nodes[1].url, "Plain"))["code"] == ["other.py"]


async def test_declared_mappings_work_as_they_were_changed_where_their_queue_is(tmp_path: Path) -> None:
    async with several(tmp_path, handlers(), count=3) as cluster, asyncio.timeout(50):
        holder = cluster.holder("queue", "jobs")
        one = next(each for each in cluster.nodes if each is not holder)
        client = one.client("lambda")
        (mapping,) = (await asyncio.to_thread(client.list_event_source_mappings))["EventSourceMappings"]
        await asyncio.to_thread(lambda: client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False))
        await _told(cluster)
        for each in cluster.nodes:
            (known,) = each.app.functions.sources.mappings().values()
            assert known.settings.enabled is False
        sqs = one.client("sqs")
        url = f"{one.url}/123456789012/jobs"
        await asyncio.to_thread(lambda: sqs.send_message(QueueUrl=url, MessageBody="stays"))
        assert "Messages" in await asyncio.to_thread(lambda: sqs.receive_message(QueueUrl=url))


async def test_a_node_that_joins_takes_nothing_back_of_declared_queues(tmp_path: Path) -> None:
    async with several(tmp_path, handlers(), count=1) as cluster, asyncio.timeout(50):
        sqs = cluster.nodes[0].client("sqs")

        def change() -> None:
            url = sqs.get_queue_url(QueueName="work")["QueueUrl"]
            sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "77"})
            sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="orders.fifo")["QueueUrl"])

        await asyncio.to_thread(change)
        await cluster.add()
        await cluster.settled(2)
        for each in cluster.nodes:
            known = {queue.name: queue for queue in each.app.queues.queues()}
            assert sorted(known) == ["jobs", "work"]
            assert known["work"].attributes["VisibilityTimeout"] == "77"
        template = cluster.project / "template.yaml"
        template.write_text(template.read_text().replace("QueueName: work, VisibilityTimeout: 20", "QueueName: work"))
        await cluster.nodes[0].app.deployment.reload()
        known = {queue.name: queue for queue in cluster.nodes[0].app.queues.queues()}
        assert "VisibilityTimeout" not in known["work"].attributes, "the project says something else now"


async def test_declared_graphql_apis_are_served_as_they_were_changed(tmp_path: Path) -> None:
    async with several(tmp_path, handlers(), count=2) as cluster, asyncio.timeout(50):
        client = cluster.others("control", "")[0].client("appsync")
        (api,) = (await asyncio.to_thread(client.list_graphql_apis))["graphqlApis"]
        code = (
            "export function request(ctx) { return { payload: 'changed' }; }\n"
            "export function response(ctx) { return ctx.result; }"
        )

        def change() -> str:
            client.create_resolver(
                apiId=api["apiId"],
                typeName="Query",
                fieldName="nothing",
                dataSourceName="Nobody",
                code=code,
                runtime={"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"},
            )
            return str(client.create_api_key(apiId=api["apiId"])["apiKey"]["id"])

        key = await asyncio.to_thread(change)
        await _told(cluster)
        await cluster.add()
        await cluster.settled(3)
        for each in cluster.nodes:
            answer = await post(
                f"{each.url}/apis/{api['apiId']}/graphql",
                json.dumps({"query": "{ nothing }"}).encode(),
                {"x-api-key": key, "content-type": "application/json"},
            )
            assert answer.json() == {"data": {"nothing": "changed"}}, answer.text
