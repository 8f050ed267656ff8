"""Standard queues on the clock: delivery, visibility, delay, long polling, redrive, retention."""

import asyncio
import json
import logging

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import SqsLimits
from callpark.store.memory import MemoryFaults, MemoryStore
from tests.queues.scene import Scene, arn

pytestmark = pytest.mark.sim


async def refusal(scene: Scene, operation: str, **parameters: object) -> CallerError:
    with pytest.raises(CallerError) as caught:
        await scene.call(operation, **parameters)
    return caught.value


class TestDelivery:
    async def test_a_message_is_received_deleted_and_gone(self, scene: Scene) -> None:
        url = await scene.create()
        sent = await scene.send(url, "hello")
        (message,) = await scene.receive(url)
        assert message["MessageId"] == sent["MessageId"]
        assert message["Body"] == "hello"
        assert message["MD5OfBody"] == sent["MD5OfMessageBody"] == "5d41402abc4b2a76b9719d911017c592"
        assert await scene.counts(url) == (0, 1, 0)
        await scene.delete(url, message)
        await scene.clock.advance(3_600)
        assert await scene.receive(url) == []
        assert await scene.counts(url) == (0, 0, 0)

    async def test_recorded_an_empty_receive_has_no_messages_member(self, scene: Scene) -> None:
        url = await scene.create()
        assert await scene.call("ReceiveMessage", QueueUrl=url) == {}

    async def test_system_attributes(self, scene: Scene) -> None:
        url = await scene.create()
        start = int(scene.clock.now() * 1000)
        trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}}
        await scene.send(url, "a", MessageSystemAttributes=trace, MessageGroupId="tenant")
        await scene.clock.advance(5)
        (message,) = await scene.receive(url)
        assert message["Attributes"] == {
            "SenderId": "AROACALLPARKLOCALROLE:callpark",
            "SentTimestamp": str(start),
            "ApproximateReceiveCount": "1",
            "ApproximateFirstReceiveTimestamp": str(start + 5_000),
            "AWSTraceHeader": "Root=1",
            "MessageGroupId": "tenant",
        }

    async def test_attributes_come_only_when_asked_for(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a", MessageAttributes={"k": {"DataType": "String", "StringValue": "v"}})
        (message,) = await scene.receive(url, MessageSystemAttributeNames=[], MessageAttributeNames=[])
        assert message.keys() == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}

    async def test_the_older_name_for_system_attributes_works_too(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a")
        (message,) = await scene.receive(
            url, MessageSystemAttributeNames=[], AttributeNames=["SentTimestamp", "MessageGroupId"]
        )
        assert message["Attributes"].keys() == {"SentTimestamp"}

    async def test_ten_of_many(self, scene: Scene) -> None:
        url = await scene.create()
        for number in range(25):
            await scene.send(url, str(number))
        assert [len(await scene.receive(url)) for _ in range(4)] == [10, 10, 5, 0]


class TestVisibility:
    async def test_never_twice_within_visibility_and_again_after_it(self, scene: Scene) -> None:
        url = await scene.create(VisibilityTimeout="30")
        await scene.send(url, "a")
        (first,) = await scene.receive(url)
        await scene.clock.advance(29.9)
        assert await scene.receive(url) == []
        await scene.clock.advance(0.1)
        (second,) = await scene.receive(url)
        assert second["Attributes"]["ApproximateReceiveCount"] == "2"
        assert second["ReceiptHandle"] != first["ReceiptHandle"]
        assert (
            second["Attributes"]["ApproximateFirstReceiveTimestamp"]
            == (first["Attributes"]["ApproximateFirstReceiveTimestamp"])
        )

    async def test_a_receive_brings_its_own_timeout(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a")
        await scene.receive(url, VisibilityTimeout=5)
        await scene.clock.advance(5)
        assert await scene.bodies(url, VisibilityTimeout=0) == ["a"]
        assert await scene.bodies(url) == ["a"]

    async def test_extending_and_ending(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a")
        (message,) = await scene.receive(url)
        await scene.change(url, message, 100)
        await scene.clock.advance(99)
        assert await scene.receive(url) == []
        await scene.change(url, message, 0)
        assert await scene.bodies(url) == ["a"]

    async def test_recorded_a_change_after_visibility_has_ended_is_accepted(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a")
        (message,) = await scene.receive(url, VisibilityTimeout=1)
        await scene.clock.advance(2)
        await scene.change(url, message, 20)
        assert await scene.receive(url) == []

    async def test_a_change_of_a_message_that_somebody_else_received_meanwhile_does_nothing(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a")
        (old,) = await scene.receive(url, VisibilityTimeout=1)
        await scene.clock.advance(2)
        await scene.receive(url)
        await scene.change(url, old, 0)
        assert await scene.receive(url) == []

    async def test_a_change_of_a_deleted_message_is_refused(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a")
        (message,) = await scene.receive(url)
        await scene.delete(url, message)
        error = await refusal(
            scene,
            "ChangeMessageVisibility",
            QueueUrl=url,
            ReceiptHandle=message["ReceiptHandle"],
            VisibilityTimeout=1,
        )
        assert error.code == "InvalidParameterValueException"
        assert error.message.endswith("Message does not exist or is not available for visibility timeout change.")

    async def test_twelve_hours_in_all(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a")
        (message,) = await scene.receive(url, VisibilityTimeout=43_200)
        await scene.clock.advance(1)
        await scene.change(url, message, 43_199)
        with pytest.raises(CallerError, match=r"Total VisibilityTimeout .* beyond the limit \[43200 seconds\]"):
            await scene.change(url, message, 43_200)

    async def test_recorded_an_old_handle_deletes_after_visibility_has_ended(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a")
        (message,) = await scene.receive(url, VisibilityTimeout=1)
        await scene.clock.advance(2)
        await scene.delete(url, message)
        assert await scene.counts(url) == (0, 0, 0)

    async def test_an_old_handle_does_not_delete_what_somebody_holds(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a")
        (old,) = await scene.receive(url, VisibilityTimeout=1)
        await scene.clock.advance(2)
        (new,) = await scene.receive(url)
        await scene.delete(url, old)
        assert await scene.counts(url) == (0, 1, 0)
        await scene.delete(url, new)
        assert await scene.counts(url) == (0, 0, 0)

    async def test_too_many_in_flight(self, clock: VirtualClock) -> None:
        scene = await Scene.open(clock, limits=SqsLimits(in_flight_messages=3))
        url = await scene.create()
        for number in range(5):
            await scene.send(url, str(number))
        assert len(await scene.receive(url, 3)) == 3
        error = await refusal(scene, "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=0)
        assert (error.code, error.status) == ("OverLimit", 403)
        assert await scene.receive(url, WaitTimeSeconds=1) == [], "long polls get nothing instead"
        await scene.clock.advance(30)
        assert len(await scene.receive(url, 2)) == 2
        await scene.queues.close()


class TestDelay:
    async def test_the_queues_delay_and_a_messages_own(self, scene: Scene) -> None:
        url = await scene.create(DelaySeconds="60")
        await scene.send(url, "queue")
        await scene.send(url, "own", DelaySeconds=10)
        await scene.send(url, "none", DelaySeconds=0)
        assert await scene.counts(url) == (1, 0, 2)
        assert await scene.bodies(url) == ["none"]
        await scene.clock.advance(10)
        assert await scene.bodies(url) == ["own"]
        await scene.clock.advance(49.9)
        assert "queue" not in await scene.bodies(url)
        await scene.clock.advance(0.1)
        assert "queue" in await scene.bodies(url)


class TestLongPolling:
    async def test_a_send_wakes_a_receiver_at_once(self, scene: Scene) -> None:
        url = await scene.create()
        start = scene.clock.now()
        waiting = asyncio.create_task(scene.queues.receive(scene.queues.at(url), 1, 20))
        await scene.clock.advance(7)
        assert not waiting.done()
        await scene.send(url, "a")
        (received,) = await scene.clock.run_until(waiting)
        assert received.message.body == "a"
        assert scene.clock.now() == start + 7

    async def test_the_end_of_a_delay_or_a_visibility_wakes_too(self, scene: Scene) -> None:
        url = await scene.create()
        start = scene.clock.now()
        await scene.send(url, "a", DelaySeconds=3)
        assert await scene.bodies(url, WaitTimeSeconds=20, VisibilityTimeout=5) == ["a"]
        assert scene.clock.now() == start + 3
        assert await scene.bodies(url, WaitTimeSeconds=20) == ["a"]
        assert scene.clock.now() == start + 8

    async def test_nothing_comes_and_the_wait_ends(self, scene: Scene) -> None:
        url = await scene.create(ReceiveMessageWaitTimeSeconds="7")
        start = scene.clock.now()
        assert await scene.call("ReceiveMessage", QueueUrl=url) == {}
        assert scene.clock.now() == start + 7
        assert await scene.call("ReceiveMessage", QueueUrl=url, WaitTimeSeconds=0) == {}
        assert scene.clock.now() == start + 7

    async def test_each_message_wakes_one_receiver_in_the_order_in_which_they_came(self, scene: Scene) -> None:
        url = await scene.create()
        queue, order = scene.queues.at(url), list[tuple[int, str]]()

        async def wait(number: int) -> None:
            for received in await scene.queues.receive(queue, 1, 20):
                order.append((number, received.message.body))

        tasks = [asyncio.create_task(wait(number)) for number in range(4)]
        await scene.clock.settle()
        for body in "abc":
            await scene.send(url, body)
        await scene.clock.run_until(asyncio.gather(*tasks))
        assert order == [(0, "a"), (1, "b"), (2, "c")]

    async def test_a_batch_wakes_as_many_as_it_has_messages(self, scene: Scene) -> None:
        url = await scene.create()
        queue = scene.queues.at(url)
        tasks = [asyncio.create_task(scene.queues.receive(queue, 1, 20)) for _ in range(3)]
        await scene.clock.settle()
        entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(3)]
        await scene.call("SendMessageBatch", QueueUrl=url, Entries=entries)
        await scene.clock.settle()
        assert all(task.done() for task in tasks)

    async def test_a_receiver_that_goes_away_leaves_its_turn_to_the_next(self, scene: Scene) -> None:
        url = await scene.create()
        queue = scene.queues.at(url)
        tasks = [asyncio.create_task(scene.queues.receive(queue, 1, 20)) for _ in range(3)]
        await scene.clock.settle()
        tasks[0].cancel()
        await scene.send(url, "a")
        await scene.clock.settle()
        assert [task.done() for task in tasks] == [True, True, False]
        assert len(tasks[1].result()) == 1
        tasks[2].cancel()

    @pytest.mark.parametrize("at_once", [False, True])
    async def test_nothing_is_handed_to_a_client_that_has_left(self, scene: Scene, at_once: bool) -> None:
        """Left before the message comes, or in the very turn in which it does."""
        url = await scene.create()
        queue, left = scene.queues.at(url), asyncio.Event()

        async def gone() -> None:
            await left.wait()

        first = asyncio.create_task(scene.queues.receive(queue, 1, 20, gone=gone))
        second = asyncio.create_task(scene.queues.receive(queue, 1, 20))
        await scene.clock.settle()
        if at_once:
            end = scene.store.watch(queue.store_queue, left.set)
            await scene.send(url, "a")
            end()
        else:
            left.set()
            await scene.clock.settle()
            await scene.send(url, "a")
        (received,) = await scene.clock.run_until(second)
        assert received.message.body == "a"
        assert await scene.clock.run_until(first) == ()
        assert received.state.receives == 1

    async def test_a_purge_and_a_delete_reach_those_who_wait(self, scene: Scene) -> None:
        url = await scene.create()
        queue = scene.queues.at(url)
        waiting = asyncio.create_task(scene.queues.receive(queue, 1, 20))
        await scene.clock.settle()
        await scene.call("PurgeQueue", QueueUrl=url)
        await scene.send(url, "after the purge")
        (received,) = await scene.clock.run_until(waiting)
        assert received.message.body == "after the purge"
        waiting = asyncio.create_task(scene.queues.receive(queue, 1, 20))
        await scene.clock.settle()
        await scene.call("DeleteQueue", QueueUrl=url)
        with pytest.raises(CallerError, match="QueueDoesNotExist"):
            await scene.clock.run_until(waiting)

    async def test_closing_sends_waiting_receivers_away_empty(self, scene: Scene) -> None:
        url = await scene.create()
        waiting = asyncio.create_task(scene.queues.receive(scene.queues.at(url), 1, 20))
        await scene.clock.settle()
        await scene.queues.close()
        assert await waiting == ()


class TestRedrive:
    async def test_recorded_a_message_moves_when_a_receive_would_exceed_the_count(self, scene: Scene) -> None:
        dead = await scene.create("dead")
        policy = json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 2})
        url = await scene.create("work", RedrivePolicy=policy)
        attribute = {"k": {"DataType": "String", "StringValue": "v"}}
        sent = await scene.send(url, "poison", MessageAttributes=attribute)
        for _ in range(2):
            assert await scene.bodies(url) == ["poison"]
            await scene.clock.advance(30)
        assert await scene.counts(dead) == (0, 0, 0), "not before the third receive"
        assert await scene.receive(url) == []
        (message,) = await scene.receive(dead)
        assert message["MessageId"] == sent["MessageId"]
        assert message["Body"] == "poison"
        assert message["MessageAttributes"] == attribute
        assert message["Attributes"]["ApproximateReceiveCount"] == "3"
        assert message["Attributes"]["DeadLetterQueueSourceArn"] == arn("work")
        assert await scene.counts(url) == (0, 0, 0)

    async def test_the_good_messages_behind_a_poisoned_one_are_received_in_the_same_call(self, scene: Scene) -> None:
        await scene.create("dead")
        policy = json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1})
        url = await scene.create("work", RedrivePolicy=policy)
        await scene.send(url, "poison")
        await scene.receive(url, VisibilityTimeout=0)
        await scene.send(url, "good")
        assert await scene.bodies(url, 1) == ["good"]

    async def test_without_its_dead_letter_queue_a_message_stays_with_one_warning(
        self, scene: Scene, caplog: pytest.LogCaptureFixture
    ) -> None:
        dead = await scene.create("dead")
        policy = json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1})
        url = await scene.create("work", RedrivePolicy=policy)
        await scene.call("DeleteQueue", QueueUrl=dead)
        await scene.send(url, "a")
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                assert await scene.bodies(url, VisibilityTimeout=0) == ["a"]
        assert sum("dead-letter queue" in record.message for record in caplog.records) == 1


class TestRetention:
    async def test_an_old_message_is_not_received_any_more(self, scene: Scene) -> None:
        url = await scene.create(MessageRetentionPeriod="60")
        await scene.send(url, "a")
        await scene.receive(url, VisibilityTimeout=61)
        await scene.clock.advance(61)
        assert await scene.receive(url) == []
        assert await scene.counts(url) == (0, 0, 0)

    async def test_what_nobody_receives_is_removed_from_the_store(self, scene: Scene) -> None:
        url = await scene.create(MessageRetentionPeriod="60")
        for number in range(5):
            await scene.send(url, str(number))
            await scene.clock.advance(10)
        assert await scene.counts(url) == (5, 0, 0)
        await scene.clock.advance(15)
        assert await scene.counts(url) == (4, 0, 0)
        await scene.clock.advance(100)
        assert await scene.counts(url) == (0, 0, 0)
        assert list(await scene.store.queues()) == []

    async def test_a_shorter_period_counts_for_old_messages_too(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a")
        await scene.clock.advance(120)
        await scene.call("SetQueueAttributes", QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
        await scene.clock.settle()
        assert await scene.counts(url) == (0, 0, 0)

    async def test_also_after_a_restart(self, scene: Scene) -> None:
        url = await scene.create(MessageRetentionPeriod="60")
        await scene.send(url, "a")
        await scene.restart()
        await scene.clock.advance(61)
        assert list(await scene.store.queues()) == []


class TestRestart:
    async def test_what_was_acknowledged_is_there_as_it_was(self, scene: Scene) -> None:
        url = await scene.create(VisibilityTimeout="30")
        for body in ("deleted", "flying", "waiting"):
            await scene.send(url, body)
        await scene.send(url, "delayed", DelaySeconds=100)
        (deleted,) = await scene.receive(url, 1)
        await scene.delete(url, deleted)
        (flying,) = await scene.receive(url, 1)
        await scene.restart()
        assert await scene.counts(url) == (1, 1, 1)
        assert await scene.bodies(url) == ["waiting"]
        await scene.change(url, flying, 60)
        await scene.clock.advance(59)
        assert await scene.bodies(url) == ["waiting"]
        await scene.clock.advance(1)
        (message,) = await scene.receive(url)
        assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("flying", "2")

    async def test_a_receipt_from_before_deletes(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a")
        (message,) = await scene.receive(url)
        await scene.restart()
        await scene.delete(url, message)
        assert await scene.counts(url) == (0, 0, 0)


class TestFailingDisk:
    async def test_a_receive_that_cannot_be_stored_gives_the_messages_back(self, clock: VirtualClock) -> None:
        store = MemoryStore(clock, MemoryFaults(failures=0.0))
        scene = await Scene.open(clock, store)
        url = await scene.create()
        await scene.send(url, "a")
        assert store._faults is not None
        store._faults = MemoryFaults(failures=1.0)
        error = await refusal(scene, "ReceiveMessage", QueueUrl=url)
        assert (error.code, error.status) == ("ServiceUnavailable", 503)
        store._faults = MemoryFaults(failures=0.0)
        assert await scene.bodies(url, WaitTimeSeconds=20) == ["a"]
        await scene.queues.close()

    async def test_a_send_that_cannot_be_stored_is_not_acknowledged(self, clock: VirtualClock) -> None:
        scene = await Scene.open(clock, MemoryStore(clock, MemoryFaults(failures=0.0)))
        url = await scene.create()
        assert isinstance(scene.store, MemoryStore)
        scene.store._faults = MemoryFaults(failures=1.0)
        error = await refusal(scene, "SendMessage", QueueUrl=url, MessageBody="a")
        assert error.status == 503
        scene.store._faults = None
        assert await scene.receive(url) == []
        await scene.queues.close()
