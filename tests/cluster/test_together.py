"""Nodes that act as one, over real sockets: each serves every API, whoever owns what."""

import asyncio
import functools
import io
import json
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from callpark.queues.delivery.waiters import Waiters
from tests.cluster.growing import Growing
from tests.cluster.several import Several, post, several
from tests.functions.plain_environments import Handler, Run

pytestmark = pytest.mark.process


class Work:
    """What handlers saw."""

    def __init__(self) -> None:
        self.running = self.most = 0
        self.seen = Growing()

    async def narrow(self, run: Run) -> object:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.02)
        self.running -= 1
        self.seen.append(run.event)
        return run.event

    def worker(self, run: Run) -> object:
        assert isinstance(run.event, dict)
        self.seen += [record["body"] for record in run.event["Records"]]
        return {}


def handlers(work: Work) -> dict[str, Handler]:
    return {"Plain": lambda run: {"by": run.function}, "Narrow": work.narrow, "Worker": work.worker}


async def _invoke(url: str, function: str, event: object, kind: str = "RequestResponse") -> tuple[int, bytes]:
    answer = await post(
        f"{url}/2015-03-31/functions/{function}/invocations",
        json.dumps(event).encode(),
        {"x-amz-invocation-type": kind},
    )
    return answer.status_code, answer.content


async def _answers(cluster: Several, status: int) -> int:
    """Waits until every node answers so; how many do."""
    answering = 0
    async with asyncio.timeout(10):
        for each in cluster.nodes:
            while (await _invoke(each.url, "Plain", {}))[0] != status:  # noqa: ASYNC110 (it asks again)
                await asyncio.sleep(0.02)
            answering += 1
    return answering


async def test_a_queue_is_one_queue_whoever_is_asked(tmp_path: Path) -> None:
    async with several(tmp_path, handlers(Work())) as cluster:
        (one, *others) = cluster.others("queue", "work")
        url = await asyncio.to_thread(lambda: one.client("sqs").get_queue_url(QueueName="work")["QueueUrl"])
        sent = await asyncio.to_thread(lambda: one.client("sqs").send_message(QueueUrl=url, MessageBody="hello"))
        other = (*others, cluster.holder("queue", "work"))[0].client("sqs")
        (received,) = (await asyncio.to_thread(lambda: other.receive_message(QueueUrl=url)))["Messages"]
        assert (received["MessageId"], received["Body"]) == (sent["MessageId"], "hello")
        assert "Messages" not in await asyncio.to_thread(lambda: one.client("sqs").receive_message(QueueUrl=url))
        await asyncio.to_thread(
            lambda: one.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=received["ReceiptHandle"])
        )
        counts = await asyncio.to_thread(
            lambda: other.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        )
        assert counts["ApproximateNumberOfMessagesNotVisible"] == "0"


async def test_a_long_poll_at_another_node_ends_when_a_message_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, wait = asyncio.Event(), Waiters.wait

    async def noted(waiters: Waiters, until: float, key: str) -> None:
        waits.set()
        await wait(waiters, until, key)

    monkeypatch.setattr(Waiters, "wait", noted)
    async with several(tmp_path, handlers(Work())) as cluster:
        (one, other) = cluster.others("queue", "work")
        url = f"{one.url}/123456789012/work"
        waiting = asyncio.create_task(
            asyncio.to_thread(lambda: one.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20))
        )
        await asyncio.wait_for(waits.wait(), 20)
        await asyncio.to_thread(lambda: other.client("sqs").send_message(QueueUrl=url, MessageBody="now"))
        async with asyncio.timeout(10):
            (received,) = (await waiting)["Messages"]
        assert received["Body"] == "now"


async def test_what_one_node_made_all_know_at_once(tmp_path: Path) -> None:
    async with several(tmp_path, handlers(Work())) as cluster:
        for number, (maker, user) in enumerate([(0, 1), (1, 2), (2, 0)]):
            making, using = cluster.nodes[maker].client("sqs"), cluster.nodes[user].client("sqs")
            made = await asyncio.to_thread(lambda name=f"made{number}", c=making: c.create_queue(QueueName=name))  # type: ignore[misc]
            url = made["QueueUrl"]
            await asyncio.to_thread(lambda u=url, c=using: c.send_message(QueueUrl=u, MessageBody="first"))  # type: ignore[misc]
            received = await asyncio.to_thread(lambda u=url, c=making: c.receive_message(QueueUrl=u))  # type: ignore[misc]
            assert received["Messages"][0]["Body"] == "first"
        names = [
            await asyncio.to_thread(functools.partial(each.client("sqs").list_queues, QueueNamePrefix="made"))
            for each in cluster.nodes
        ]
        assert [len(each["QueueUrls"]) for each in names] == [3, 3, 3]


async def test_reserved_concurrency_holds_across_nodes(tmp_path: Path) -> None:
    work = Work()
    async with several(tmp_path, handlers(work)) as cluster:
        accepted = await asyncio.gather(
            *(_invoke(each.url, "Narrow", {"n": n}, "Event") for n in range(4) for each in cluster.nodes)
        )
        assert Counter(status for status, _ in accepted) == {202: 12}
        await work.seen.until(12)
        assert work.most == 1
        owner = cluster.holder("function", "Narrow")
        assert [len(each.environments.runs) for each in cluster.nodes if each is not owner] == [0, 0]

        answers = await asyncio.gather(*(_invoke(each.url, "Narrow", {"n": 1}) for each in cluster.nodes))
        assert {status for status, _ in answers} <= {200, 429}
        assert work.most == 1


async def test_a_function_made_at_one_node_is_invoked_at_another_at_once(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writing:
        writing.writestr("app.py", "def handler(event, context): return 1")
    async with several(tmp_path, handlers(Work()) | {"Fresh": lambda run: "made"}) as cluster:
        make = functools.partial(
            cluster.nodes[0].client("lambda").create_function,
            FunctionName="Fresh",
            Runtime="python3.11",
            Role="arn:aws:iam::123456789012:role/r",
            Handler="app.handler",
            Code={"ZipFile": archive.getvalue()},
        )
        await asyncio.to_thread(make)
        for each in cluster.nodes:
            assert (await _invoke(each.url, "Fresh", {}, "Event"))[0] == 202
            assert await _invoke(each.url, "Fresh", {}) == (200, b'"made"')


async def test_tokens_of_the_local_user_pool_are_good_at_every_node(tmp_path: Path) -> None:
    async with several(tmp_path, handlers(Work())) as cluster:
        assert len({json.dumps(each.app.user_pool.document()) for each in cluster.nodes}) == 1


async def test_a_reservation_that_the_api_makes_holds_at_all_nodes(tmp_path: Path) -> None:
    async with several(tmp_path, handlers(Work())) as cluster:
        client = cluster.nodes[1].client("lambda")
        set_ = functools.partial(client.put_function_concurrency, FunctionName="Plain", ReservedConcurrentExecutions=0)
        await asyncio.to_thread(set_)
        assert await _answers(cluster, 429) == len(cluster.nodes)
        await asyncio.to_thread(functools.partial(client.delete_function_concurrency, FunctionName="Plain"))
        assert await _answers(cluster, 200) == len(cluster.nodes)


async def test_functions_without_a_share_run_where_they_are_asked(tmp_path: Path) -> None:
    async with several(tmp_path, handlers(Work())) as cluster:
        for each in cluster.nodes:
            assert await _invoke(each.url, "Plain", {}) == (200, b'{"by": "Plain"}')
            assert len(each.environments.runs) == 1


async def test_an_event_source_works_where_its_queue_is(tmp_path: Path) -> None:
    work = Work()
    async with several(tmp_path, handlers(work)) as cluster:
        url = f"{cluster.nodes[0].url}/123456789012/jobs"
        for number, each in enumerate(cluster.nodes * 4):
            send = functools.partial(each.client("sqs").send_message, QueueUrl=url, MessageBody=str(number))
            await asyncio.to_thread(send)
        await work.seen.until(12)
        assert sorted(work.seen, key=str) == sorted(map(str, range(12)))


async def test_who_leaves_loses_nothing(tmp_path: Path) -> None:
    work = Work()
    async with several(tmp_path, handlers(work)) as cluster:
        client, url = cluster.nodes[2].client("sqs"), f"{cluster.nodes[2].url}/123456789012/orders.fifo"

        def send(number: int) -> None:
            client.send_message(
                QueueUrl=url, MessageBody=str(number), MessageGroupId="g", MessageDeduplicationId=str(number)
            )

        for number in range(5):
            await asyncio.to_thread(send, number)
        await cluster.nodes[0].stop()
        await cluster.settled(2)
        for number in range(5, 8):
            await asyncio.to_thread(send, number)
        await cluster.nodes[1].stop()
        await cluster.settled(1)
        received = await asyncio.to_thread(lambda: client.receive_message(QueueUrl=url, MaxNumberOfMessages=10))
        assert [each["Body"] for each in received["Messages"]] == [str(number) for number in range(8)]
