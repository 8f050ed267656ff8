"""FIFO queues on the clock: order per group, blocking, deduplication, dead letters."""

import asyncio
import json

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import SqsLimits
from callpark.store.memory import MemoryFaults, MemoryStore
from tests.queues.scene import Scene, arn

pytestmark = pytest.mark.sim


async def send(scene: Scene, url: str, body: str, group: str = "g", **members: object) -> dict[str, object]:
    return await scene.send(url, body, MessageGroupId=group, **{"MessageDeduplicationId": body, **members})


class TestOrder:
    async def test_one_receive_gives_a_group_in_order(self, scene: Scene) -> None:
        url = await scene.fifo()
        for body in "abcd":
            await send(scene, url, body)
        assert await scene.bodies(url, 3) == ["a", "b", "c"]

    async def test_recorded_a_group_is_blocked_while_any_of_its_messages_is_in_flight(self, scene: Scene) -> None:
        url = await scene.fifo()
        for body in "abc":
            await send(scene, url, body)
        first, second = await scene.receive(url, 2)
        await scene.delete(url, first)
        assert await scene.receive(url) == [], "b is still in flight"
        await scene.delete(url, second)
        assert await scene.bodies(url) == ["c"]

    async def test_other_groups_go_on(self, scene: Scene) -> None:
        url = await scene.fifo()
        for group, body in (("1", "a"), ("1", "b"), ("2", "c"), ("3", "d"), ("2", "e")):
            await send(scene, url, body, group)
        assert await scene.bodies(url, 1) == ["a"]
        assert await scene.bodies(url, 10) == ["c", "e", "d"]
        assert await scene.receive(url) == []

    async def test_a_message_whose_visibility_ends_comes_before_its_successors(self, scene: Scene) -> None:
        url = await scene.fifo()
        for body in "abc":
            await send(scene, url, body)
        await scene.receive(url, 1, VisibilityTimeout=10)
        await scene.clock.advance(10)
        assert await scene.bodies(url) == ["a", "b", "c"]

    async def test_recorded_extending_visibility_extends_the_block(self, scene: Scene) -> None:
        url = await scene.fifo()
        await send(scene, url, "a")
        await send(scene, url, "b")
        (message,) = await scene.receive(url, 1, VisibilityTimeout=10)
        await scene.change(url, message, 60)
        await scene.clock.advance(59)
        assert await scene.receive(url) == []
        await scene.change(url, message, 0)
        assert await scene.bodies(url) == ["a", "b"]

    async def test_a_later_message_of_a_batch_keeps_the_group_blocked(self, scene: Scene) -> None:
        url = await scene.fifo()
        for body in "abc":
            await send(scene, url, body)
        first, second = await scene.receive(url, 2, VisibilityTimeout=10)
        await scene.change(url, second, 60)
        await scene.clock.advance(10)
        assert await scene.receive(url) == [], "a is visible, b is not"
        await scene.clock.advance(50)
        assert await scene.bodies(url) == ["a", "b", "c"]
        assert first["Body"] == "a"

    async def test_sequence_numbers_have_twenty_digits_and_grow(self, scene: Scene) -> None:
        url = await scene.fifo()
        answers = [await send(scene, url, body) for body in "abc"]
        numbers = [str(answer["SequenceNumber"]) for answer in answers]
        assert all(len(number) == 20 for number in numbers)
        assert numbers == sorted(set(numbers))
        messages = await scene.receive(url)
        assert [message["Attributes"]["SequenceNumber"] for message in messages] == numbers
        assert messages[0]["Attributes"]["MessageGroupId"] == "g"
        assert messages[0]["Attributes"]["MessageDeduplicationId"] == "a"

    async def test_a_batch_keeps_its_order(self, scene: Scene) -> None:
        url = await scene.fifo(ContentBasedDeduplication="true")
        entries = [{"Id": f"i{n}", "MessageBody": str(n), "MessageGroupId": "g"} for n in range(10)]
        await scene.call("SendMessageBatch", QueueUrl=url, Entries=entries)
        assert await scene.bodies(url) == [str(n) for n in range(10)]

    async def test_a_long_poll_is_woken_when_its_group_opens(self, scene: Scene) -> None:
        url = await scene.fifo()
        queue = scene.queues.at(url)
        await send(scene, url, "a")
        await send(scene, url, "b")
        (message,) = await scene.receive(url, 1)
        waiting = asyncio.create_task(scene.queues.receive(queue, 10, 20))
        await scene.clock.advance(3)
        assert not waiting.done()
        await scene.delete(url, message)
        (received,) = await scene.clock.run_until(waiting)
        assert received.message.body == "b"
        start = scene.clock.now()
        assert await scene.bodies(url, WaitTimeSeconds=20, VisibilityTimeout=1) == []
        assert scene.clock.now() == start + 20
        assert await scene.bodies(url, WaitTimeSeconds=20) == ["b"]
        assert scene.clock.now() == start + 30

    async def test_more_than_the_window_holds_comes_out_in_order(self, clock: VirtualClock) -> None:
        limits = SqsLimits(fifo_window_messages=7)
        scene = await Scene.open(clock, limits=limits)
        url = await scene.fifo(ContentBasedDeduplication="true")
        for first in range(0, 100, 10):
            entries = [
                {"Id": str(n), "MessageBody": str(n), "MessageGroupId": str(n % 3)} for n in range(first, first + 10)
            ]
            await scene.call("SendMessageBatch", QueueUrl=url, Entries=entries)
        await scene.restart()
        seen: dict[int, list[int]] = {0: [], 1: [], 2: []}
        while messages := await scene.receive(url, 4, WaitTimeSeconds=1):
            for message in messages:
                seen[int(message["Body"]) % 3].append(int(message["Body"]))
                await scene.delete(url, message)
        assert all(numbers == sorted(numbers) for numbers in seen.values())
        assert sum(map(len, seen.values())) == 100
        await scene.queues.close()


class TestDeduplication:
    async def test_recorded_a_duplicate_within_five_minutes_is_dropped_also_after_the_first_was_deleted(
        self, scene: Scene
    ) -> None:
        url = await scene.fifo()
        first = await send(scene, url, "a")
        (message,) = await scene.receive(url)
        await scene.delete(url, message)
        again = await send(scene, url, "other body", MessageDeduplicationId="a")
        assert (again["MessageId"], again["SequenceNumber"]) == (first["MessageId"], first["SequenceNumber"])
        assert await scene.receive(url) == []
        await scene.clock.advance(300)
        await send(scene, url, "a")
        assert await scene.bodies(url) == ["a"]

    async def test_by_content(self, scene: Scene) -> None:
        url = await scene.fifo(ContentBasedDeduplication="true")
        for body in ("a", "a", "b"):
            await scene.send(url, body, MessageGroupId="g")
        messages = await scene.receive(url)
        assert [message["Body"] for message in messages] == ["a", "b"]
        assert messages[0]["Attributes"]["MessageDeduplicationId"] == (
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
        )

    @pytest.mark.parametrize(("scope", "bodies"), [("queue", ["a"]), ("messageGroup", ["a", "b"])])
    async def test_recorded_the_same_id_in_two_groups(self, scene: Scene, scope: str, bodies: list[str]) -> None:
        url = await scene.fifo(DeduplicationScope=scope)
        await send(scene, url, "a", "1", MessageDeduplicationId="same")
        await send(scene, url, "b", "2", MessageDeduplicationId="same")
        assert await scene.bodies(url) == bodies

    async def test_also_after_a_restart_and_a_purge(self, scene: Scene) -> None:
        url = await scene.fifo()
        await send(scene, url, "a")
        await scene.restart()
        await scene.call("PurgeQueue", QueueUrl=url)
        await send(scene, url, "a")
        assert await scene.receive(url) == []
        await send(scene, url, "b")
        assert await scene.bodies(url) == ["b"]

    async def test_a_duplicate_is_acknowledged_when_its_original_is_durable_and_fails_with_it(
        self, clock: VirtualClock
    ) -> None:
        store = MemoryStore(clock, MemoryFaults(failures=0.0))
        scene = await Scene.open(clock, store)
        url = await scene.fifo()
        store._faults = MemoryFaults(failures=1.0, delay_seconds=1)
        tasks = [asyncio.create_task(send(scene, url, "a")) for _ in range(2)]
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            error = task.exception()
            assert isinstance(error, CallerError)
            assert error.status == 503
        store._faults = None
        await send(scene, url, "a")
        assert await scene.bodies(url) == ["a"]
        await scene.queues.close()

    async def test_rows_do_not_pile_up(self, scene: Scene) -> None:
        url = await scene.fifo()
        for number in range(30):
            await send(scene, url, str(number))
        await scene.clock.advance(301)
        await send(scene, url, "last")
        await send(scene, url, "very-last")
        assert len(await scene.store.scan("sqs-deduplication")) == 2
        await scene.call("DeleteQueue", QueueUrl=url)
        await scene.clock.settle()
        assert len(await scene.store.scan("sqs-deduplication")) == 0
        assert list(await scene.store.queues()) == []


class TestHandles:
    async def test_recorded_a_delete_with_an_expired_handle_is_refused(self, scene: Scene) -> None:
        url = await scene.fifo()
        await send(scene, url, "a")
        (message,) = await scene.receive(url, VisibilityTimeout=1)
        await scene.clock.advance(2)
        with pytest.raises(CallerError) as caught:
            await scene.delete(url, message)
        assert caught.value.code == "InvalidParameterValueException"
        assert caught.value.message == (
            f"Value {message['ReceiptHandle']} for parameter ReceiptHandle is invalid. "
            "Reason: The receipt handle has expired."
        )
        assert await scene.bodies(url) == ["a"]

    async def test_a_change_after_visibility_has_ended_is_refused(self, scene: Scene) -> None:
        url = await scene.fifo()
        await send(scene, url, "a")
        (message,) = await scene.receive(url, VisibilityTimeout=1)
        await scene.clock.advance(2)
        with pytest.raises(CallerError, match="not available for visibility timeout change"):
            await scene.change(url, message, 5)

    async def test_deleting_twice_is_harmless(self, scene: Scene) -> None:
        url = await scene.fifo()
        await send(scene, url, "a")
        (message,) = await scene.receive(url)
        await scene.delete(url, message)
        await scene.delete(url, message)
        assert await scene.counts(url) == (0, 0, 0)


class TestDelay:
    async def test_recorded_a_delay_of_a_message_is_refused_and_zero_means_the_queues(self, scene: Scene) -> None:
        url = await scene.fifo(DelaySeconds="5")
        with pytest.raises(CallerError) as caught:
            await send(scene, url, "a", DelaySeconds=2)
        assert caught.value.message == (
            "Value 2 for parameter DelaySeconds is invalid. "
            "Reason: The request include parameter that is not valid for this queue type."
        )
        await send(scene, url, "a", DelaySeconds=0)
        assert await scene.counts(url) == (0, 0, 1)
        start = scene.clock.now()
        assert await scene.bodies(url, WaitTimeSeconds=20) == ["a"]
        assert scene.clock.now() == start + 5

    async def test_a_changed_delay_counts_for_what_is_in_the_queue(self, scene: Scene) -> None:
        """SetQueueAttributes: for FIFO queues the per-queue delay setting is retroactive."""
        url = await scene.fifo(DelaySeconds="900")
        await send(scene, url, "a")
        await scene.call("SetQueueAttributes", QueueUrl=url, Attributes={"DelaySeconds": "0"})
        assert await scene.bodies(url) == ["a"]


class TestEnds:
    async def test_the_dead_letter_queue_gets_messages_in_order_and_the_group_goes_on(self, scene: Scene) -> None:
        dead = await scene.fifo("dead.fifo")
        policy = json.dumps({"deadLetterTargetArn": arn("dead.fifo"), "maxReceiveCount": 1})
        url = await scene.fifo("work.fifo", RedrivePolicy=policy)
        trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}}
        sent = await send(scene, url, "poison", MessageSystemAttributes=trace)
        await send(scene, url, "good")
        await scene.receive(url, 1, VisibilityTimeout=1)
        await scene.clock.advance(1)
        assert await scene.bodies(url, 1) == ["good"]
        (message,) = await scene.receive(dead)
        assert message["Body"] == "poison"
        assert message["MessageId"] == sent["MessageId"]
        assert message["Attributes"]["ApproximateReceiveCount"] == "2"
        assert message["Attributes"]["MessageGroupId"] == "g"
        assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn("work.fifo")
        assert message["Attributes"]["AWSTraceHeader"] == "Root=1"

    async def test_retention(self, scene: Scene) -> None:
        url = await scene.fifo(MessageRetentionPeriod="60")
        await send(scene, url, "old")
        await scene.clock.advance(30)
        await send(scene, url, "young")
        await scene.clock.advance(31)
        assert await scene.counts(url) == (1, 0, 0)
        assert await scene.bodies(url) == ["young"]

    async def test_a_restart_keeps_order_blocks_and_counts(self, scene: Scene) -> None:
        url = await scene.fifo()
        for body in "abc":
            await send(scene, url, body)
        (message,) = await scene.receive(url, 1, VisibilityTimeout=20)
        await scene.restart()
        assert await scene.receive(url) == []
        assert await scene.counts(url) == (2, 1, 0)
        await scene.clock.advance(20)
        messages = await scene.receive(url)
        assert [m["Body"] for m in messages] == ["a", "b", "c"]
        assert messages[0]["Attributes"]["ApproximateReceiveCount"] == "2"
        assert int((await send(scene, url, "d"))["SequenceNumber"]) > int(  # type: ignore[call-overload]
            messages[-1]["Attributes"]["SequenceNumber"]
        )
        assert message["Body"] == "a"

    async def test_a_receive_that_cannot_be_stored_leaves_the_group_open(self, clock: VirtualClock) -> None:
        store = MemoryStore(clock, MemoryFaults(failures=0.0))
        scene = await Scene.open(clock, store)
        url = await scene.fifo()
        await send(scene, url, "a")
        store._faults = MemoryFaults(failures=1.0)
        with pytest.raises(CallerError, match="ServiceUnavailable"):
            await scene.receive(url)
        store._faults = None
        messages = await scene.receive(url)
        assert [m["Attributes"]["ApproximateReceiveCount"] for m in messages] == ["1"]
        await scene.queues.close()
