"""Creating, changing, listing, purging and deleting queues; tags, permissions, policies."""

import json
import logging

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.limits import SqsLimits
from callpark.queues.model import QueueDefinition
from tests.queues.scene import Scene, arn

pytestmark = pytest.mark.sim

INVALID = "InvalidParameterValueException"


async def refusal(scene: Scene, operation: str, **parameters: object) -> tuple[str, str]:
    with pytest.raises(CallerError) as caught:
        await scene.call(operation, **parameters)
    return caught.value.code, caught.value.message


class TestAttributes:
    async def test_recorded_defaults(self, scene: Scene) -> None:
        url = await scene.create()
        now = str(int(scene.clock.now()))
        assert await scene.attributes(url) == {
            "QueueArn": arn("q"),
            "ApproximateNumberOfMessages": "0",
            "ApproximateNumberOfMessagesNotVisible": "0",
            "ApproximateNumberOfMessagesDelayed": "0",
            "CreatedTimestamp": now,
            "LastModifiedTimestamp": now,
            "VisibilityTimeout": "30",
            "MaximumMessageSize": "1048576",
            "MessageRetentionPeriod": "345600",
            "DelaySeconds": "0",
            "ReceiveMessageWaitTimeSeconds": "0",
            "SqsManagedSseEnabled": "true",
        }

    async def test_recorded_those_of_a_fifo_queue(self, scene: Scene) -> None:
        url = await scene.fifo(ContentBasedDeduplication="true")
        shown = await scene.attributes(url)
        assert {name: shown[name] for name in ("FifoQueue", "ContentBasedDeduplication")} == {
            "FifoQueue": "true",
            "ContentBasedDeduplication": "true",
        }
        assert (shown["DeduplicationScope"], shown["FifoThroughputLimit"]) == ("queue", "perQueue")

    async def test_only_what_is_asked_for(self, scene: Scene) -> None:
        url = await scene.create(VisibilityTimeout="69")
        assert await scene.attributes(url, "VisibilityTimeout") == {"VisibilityTimeout": "69"}
        assert await scene.call("GetQueueAttributes", QueueUrl=url, AttributeNames=["RedrivePolicy"]) == {}
        assert await scene.call("GetQueueAttributes", QueueUrl=url) == {}
        code, text = await refusal(scene, "GetQueueAttributes", QueueUrl=url, AttributeNames=["Colour"])
        assert (code, text) == ("InvalidAttributeName", "Unknown Attribute Colour.")

    async def test_a_change_is_seen_and_dated(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.clock.advance(10)
        await scene.call(
            "SetQueueAttributes", QueueUrl=url, Attributes={"VisibilityTimeout": "69", "DelaySeconds": "420"}
        )
        shown = await scene.attributes(url)
        assert (shown["VisibilityTimeout"], shown["DelaySeconds"]) == ("69", "420")
        assert int(shown["LastModifiedTimestamp"]) == int(shown["CreatedTimestamp"]) + 10
        await scene.restart()
        assert (await scene.attributes(url))["VisibilityTimeout"] == "69"

    @pytest.mark.parametrize(
        ("name", "good", "bad"),
        [
            ("DelaySeconds", ["0", "900"], ["-1", "901", "x", "", "1.5"]),
            ("MaximumMessageSize", ["1024", "1048576"], ["1023", "1048577"]),
            ("MessageRetentionPeriod", ["60", "1209600"], ["59", "1209601"]),
            ("ReceiveMessageWaitTimeSeconds", ["0", "20"], ["21"]),
            ("VisibilityTimeout", ["0", "43200"], ["43201"]),
            ("SqsManagedSseEnabled", ["true", "false"], ["yes"]),
        ],
    )
    async def test_ranges(self, scene: Scene, name: str, good: list[str], bad: list[str]) -> None:
        url = await scene.create()
        for value in good:
            await scene.call("SetQueueAttributes", QueueUrl=url, Attributes={name: value})
        for value in bad:
            code, text = await refusal(scene, "SetQueueAttributes", QueueUrl=url, Attributes={name: value})
            assert (code, text) == ("InvalidAttributeValue", f"Invalid value for the parameter {name}.")

    async def test_recorded_the_queue_type_cannot_be_changed(self, scene: Scene) -> None:
        plain, fifo = await scene.create(), await scene.fifo()
        assert await refusal(scene, "SetQueueAttributes", QueueUrl=plain, Attributes={"FifoQueue": "true"}) == (
            "InvalidAttributeName",
            "Unknown Attribute FifoQueue.",
        )
        assert await refusal(scene, "SetQueueAttributes", QueueUrl=fifo, Attributes={"FifoQueue": "true"}) == (
            "InvalidAttributeValue",
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
        )

    async def test_high_throughput_needs_its_scope(self, scene: Scene) -> None:
        await scene.fifo("a.fifo", DeduplicationScope="messageGroup", FifoThroughputLimit="perMessageGroupId")
        with pytest.raises(CallerError, match="FifoThroughputLimit"):
            await scene.fifo("b.fifo", FifoThroughputLimit="perMessageGroupId")

    async def test_recorded_one_kind_of_encryption(self, scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            url = await scene.create(KmsMasterKeyId="testKeyId", KmsDataKeyReusePeriodSeconds="6000")
        assert "KmsMasterKeyId is kept and shown, but changes nothing here" in caplog.text
        names = ("KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled")
        assert await scene.attributes(url, *names) == {
            "KmsMasterKeyId": "testKeyId",
            "KmsDataKeyReusePeriodSeconds": "6000",
            "SqsManagedSseEnabled": "false",
        }
        both = {"KmsMasterKeyId": "testKeyId", "SqsManagedSseEnabled": "true"}
        assert await refusal(scene, "SetQueueAttributes", QueueUrl=url, Attributes=both) == (
            "InvalidAttributeName",
            "You can use one type of server-side encryption (SSE) at one time. "
            "You can either enable KMS SSE or SQS SSE.",
        )


class TestCreating:
    async def test_recorded_again_with_the_same_attributes_gives_the_same_queue(self, scene: Scene) -> None:
        url = await scene.create(DelaySeconds="1")
        assert url == "http://127.0.0.1:4566/123456789012/q"
        assert await scene.create(DelaySeconds="1") == url
        assert await scene.create() == url
        assert await scene.create(VisibilityTimeout="30") == url

    async def test_recorded_again_with_others_is_refused(self, scene: Scene) -> None:
        await scene.create(DelaySeconds="1")
        assert await refusal(scene, "CreateQueue", QueueName="q", Attributes={"DelaySeconds": "2"}) == (
            "QueueNameExists",
            "A queue already exists with the same name and a different value for attribute DelaySeconds",
        )
        await scene.fifo()
        given = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
        assert await refusal(scene, "CreateQueue", QueueName="q.fifo", Attributes=given) == (
            "QueueNameExists",
            "A queue already exists with the same name and a different value for attribute ContentBasedDeduplication",
        )

    @pytest.mark.parametrize("name", ["a b", "x" * 81, "q.fifo", "ä", "a/b", "a.b"])
    async def test_names(self, scene: Scene, name: str) -> None:
        assert await refusal(scene, "CreateQueue", QueueName=name) == (
            INVALID,
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )

    @pytest.mark.parametrize("name", ["q", "x" * 76 + ".fifo", ".fifo", "a b.fifo"])
    async def test_names_of_fifo_queues(self, scene: Scene, name: str) -> None:
        code, text = await refusal(scene, "CreateQueue", QueueName=name, Attributes={"FifoQueue": "true"})
        assert code == INVALID
        assert text.startswith("The name of a FIFO queue can only include")

    async def test_a_name_is_free_a_minute_after_its_queue_was_deleted(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "old")
        await scene.call("DeleteQueue", QueueUrl=url)
        code, text = await refusal(scene, "CreateQueue", QueueName="q")
        assert code == "QueueDeletedRecently"
        assert text == (
            "You must wait 60 seconds after deleting a queue before you can create another with the same name."
        )
        await scene.clock.advance(60)
        await scene.create()
        assert await scene.receive(url) == []

    async def test_two_at_once_make_one(self, scene: Scene) -> None:
        import asyncio

        create = scene.queues.administration.create
        one, two = await scene.clock.run_until(asyncio.gather(create("q", {}, {}), create("q", {}, {})))
        assert one is two


class TestFinding:
    async def test_url_and_list(self, scene: Scene) -> None:
        for name in ("b", "a1", "a2"):
            await scene.create(name)
        assert await scene.call("GetQueueUrl", QueueName="b") == {"QueueUrl": "http://127.0.0.1:4566/123456789012/b"}
        assert (await refusal(scene, "GetQueueUrl", QueueName="c"))[0] == "QueueDoesNotExist"
        assert (await refusal(scene, "GetQueueUrl", QueueName="b", QueueOwnerAWSAccountId="1" * 12))[0] == (
            "QueueDoesNotExist"
        )
        listed = await scene.call("ListQueues", QueueNamePrefix="a")
        assert [url.rpartition("/")[2] for url in listed["QueueUrls"]] == ["a1", "a2"]
        assert await scene.call("ListQueues", QueueNamePrefix="z") == {}
        page = await scene.call("ListQueues", MaxResults=2)
        assert len(page["QueueUrls"]) == 2
        rest = await scene.call("ListQueues", MaxResults=2, NextToken=page["NextToken"])
        assert [url.rpartition("/")[2] for url in rest["QueueUrls"]] == ["b"]
        assert "NextToken" not in rest

    async def test_a_deleted_queue_is_gone(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "a")
        await scene.call("DeleteQueue", QueueUrl=url)
        assert (await refusal(scene, "SendMessage", QueueUrl=url, MessageBody="a"))[0] == "QueueDoesNotExist"
        await scene.clock.settle()
        assert list(await scene.store.queues()) == []
        await scene.restart()
        assert await scene.call("ListQueues") == {}


class TestPurging:
    async def test_everything_goes_also_what_is_in_flight_and_delayed(self, scene: Scene) -> None:
        url = await scene.create()
        for delay in (0, 0, 60):
            await scene.send(url, "a", DelaySeconds=delay)
        (held,) = await scene.receive(url, 1)
        await scene.call("PurgeQueue", QueueUrl=url)
        assert await scene.counts(url) == (0, 0, 0)
        await scene.delete(url, held)
        await scene.send(url, "new")
        assert await scene.bodies(url) == ["new"]
        await scene.clock.settle()
        (left,) = await scene.store.queues()
        assert await scene.store.count(left) == 1

    async def test_recorded_again_within_60_seconds_is_refused(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.call("PurgeQueue", QueueUrl=url)
        with pytest.raises(CallerError) as caught:
            await scene.call("PurgeQueue", QueueUrl=url)
        assert (caught.value.code, caught.value.status) == ("PurgeQueueInProgress", 403)
        assert caught.value.message == "Only one PurgeQueue operation on q is allowed every 60 seconds."
        await scene.clock.advance(60)
        await scene.call("PurgeQueue", QueueUrl=url)

    async def test_what_a_crash_left_of_a_purge_is_swept_at_the_next_start(self, scene: Scene) -> None:
        url = await scene.create()
        for _ in range(5):
            await scene.send(url, "a")
        queue = scene.queues.at(url)
        await scene.call("PurgeQueue", QueueUrl=url)
        await scene.clock.settle()
        from callpark.store.ports import Put, WorkItem

        await scene.store.commit([Put(WorkItem(queue.store_queue, "left over", b"", b"", 0.0))])
        await scene.restart()
        await scene.clock.settle()
        assert list(await scene.store.queues()) == []


class TestTagsAndPermissions:
    async def test_recorded_tags(self, scene: Scene) -> None:
        answer = await scene.call("CreateQueue", QueueName="q", tags={"tag1": "value1"})
        url = answer["QueueUrl"]
        await scene.call("TagQueue", QueueUrl=url, Tags={"tag2": "value2", "tag3": ""})
        assert (await scene.call("ListQueueTags", QueueUrl=url))["Tags"] == {
            "tag1": "value1",
            "tag2": "value2",
            "tag3": "",
        }
        await scene.call("UntagQueue", QueueUrl=url, TagKeys=["tag1", "tag3", "none"])
        await scene.restart()
        assert (await scene.call("ListQueueTags", QueueUrl=url))["Tags"] == {"tag2": "value2"}

    async def test_recorded_the_life_of_a_permission(self, scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
        url = await scene.create()
        accounts = ["111111111111", "668614515564"]
        given = {"Label": "crossaccountpermission", "AWSAccountIds": accounts, "Actions": ["ReceiveMessage"]}
        await scene.call("AddPermission", QueueUrl=url, **given)
        assert "kept and shown, but nobody is refused by it" in caplog.text
        assert json.loads((await scene.attributes(url, "Policy"))["Policy"]) == {
            "Version": "2008-10-17",
            "Id": f"{arn('q')}/SQSDefaultPolicy",
            "Statement": [
                {
                    "Sid": "crossaccountpermission",
                    "Effect": "Allow",
                    "Principal": {"AWS": [f"arn:aws:iam::{account}:root" for account in accounts]},
                    "Action": "SQS:ReceiveMessage",
                    "Resource": arn("q"),
                }
            ],
        }
        assert await refusal(scene, "AddPermission", QueueUrl=url, **given) == (
            INVALID,
            "Value crossaccountpermission for parameter Label is invalid. Reason: Already exists.",
        )
        await scene.call("RemovePermission", QueueUrl=url, Label="crossaccountpermission")
        assert await scene.attributes(url, "Policy") == {}
        assert await refusal(scene, "RemovePermission", QueueUrl=url, Label="crossaccountpermission") == (
            INVALID,
            "Value crossaccountpermission for parameter Label is invalid. Reason: can't find label.",
        )


class TestRedrivePolicies:
    @pytest.mark.parametrize(
        ("policy", "reason"),
        [
            ('{"deadLetterTargetArn": "dummy", "maxReceiveCount": 42}', "Invalid value for deadLetterTargetArn."),
            ("nonsense", "Redrive policy is not a valid JSON map."),
            ('{"maxReceiveCount": 1}', "Redrive policy does not contain mandatory attribute: deadLetterTargetArn."),
            (
                json.dumps({"deadLetterTargetArn": arn("dead")}),
                "Redrive policy does not contain mandatory attribute: maxReceiveCount.",
            ),
            (
                json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 0}),
                "Invalid value for maxReceiveCount: 0, valid values are from 1 to 1000 both inclusive.",
            ),
        ],
    )
    async def test_recorded_what_is_no_policy(self, scene: Scene, policy: str, reason: str) -> None:
        await scene.create("dead")
        code, text = await refusal(scene, "CreateQueue", QueueName="q", Attributes={"RedrivePolicy": policy})
        assert (code, text) == (INVALID, f"Value {policy} for parameter RedrivePolicy is invalid. Reason: {reason}")

    async def test_targets_that_cannot_be(self, scene: Scene) -> None:
        await scene.fifo("dead.fifo")
        deny = json.dumps({"redrivePermission": "denyAll"})
        await scene.create("closed", RedriveAllowPolicy=deny)
        for target, reason in (
            ("none", "Dead letter target does not exist."),
            ("dead.fifo", "Dead letter queue must be same type of queue as the source."),
            ("closed", f"Queue {arn('closed')} does not allow {arn('q')} to use it as a dead-letter queue."),
        ):
            policy = json.dumps({"deadLetterTargetArn": arn(target), "maxReceiveCount": 1})
            code, text = await refusal(scene, "CreateQueue", QueueName="q", Attributes={"RedrivePolicy": policy})
            assert code == INVALID
            assert text.endswith(reason)

    async def test_a_queue_that_allows_some(self, scene: Scene) -> None:
        allow = json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": [arn("friend")]})
        await scene.create("dead", RedriveAllowPolicy=allow)
        policy = json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": "3"})
        url = await scene.create("friend", RedrivePolicy=policy)
        shown = (await scene.attributes(url, "RedrivePolicy"))["RedrivePolicy"]
        assert json.loads(shown) == {"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 3}
        with pytest.raises(CallerError, match="does not allow"):
            await scene.create("stranger", RedrivePolicy=policy)

    @pytest.mark.parametrize(
        "policy", ["x", "{}", '{"redrivePermission": "byQueue"}', '{"redrivePermission": "some"}', "[]"]
    )
    async def test_what_is_no_allow_policy(self, scene: Scene, policy: str) -> None:
        with pytest.raises(CallerError, match="RedriveAllowPolicy"):
            await scene.create(RedriveAllowPolicy=policy)

    async def test_sources_are_listed_and_a_policy_can_be_removed(self, scene: Scene) -> None:
        dead = await scene.create("dead")
        policy = json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 3})
        url = await scene.create("work", RedrivePolicy=policy)
        assert await scene.call("ListDeadLetterSourceQueues", QueueUrl=dead) == {"queueUrls": [url]}
        await scene.call("SetQueueAttributes", QueueUrl=url, Attributes={"RedrivePolicy": ""})
        assert await scene.call("ListDeadLetterSourceQueues", QueueUrl=dead) == {"queueUrls": []}
        assert await scene.attributes(url, "RedrivePolicy") == {}


class TestProjects:
    def define(self, name: str, **attributes: str) -> QueueDefinition:
        return QueueDefinition(name, arn(name), f"http://127.0.0.1:4566/123456789012/{name}", attributes, {})

    async def test_queues_come_change_and_go(self, scene: Scene) -> None:
        policy = json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 3})
        await scene.declare(self.define("work", RedrivePolicy=policy), self.define("dead"))
        url = "http://127.0.0.1:4566/123456789012/work"
        await scene.send(url, "a")
        await scene.declare(self.define("work", VisibilityTimeout="5"), self.define("dead"))
        assert await scene.attributes(url, "VisibilityTimeout", "RedrivePolicy") == {"VisibilityTimeout": "5"}
        assert await scene.bodies(url) == ["a"], "its messages stay"
        (warning,) = await scene.declare()
        assert warning == "queue work is not declared any more; it stays while it holds messages: 1"
        assert [queue.name for queue in scene.queues.queues()] == ["work"]

    async def test_the_same_again_changes_nothing(self, scene: Scene) -> None:
        await scene.declare(self.define("q", DelaySeconds="1"))
        (before,) = scene.queues.queues()
        await scene.clock.advance(5)
        await scene.declare(self.define("q", DelaySeconds="1"))
        assert scene.queues.queues() == (before,)

    async def test_queues_made_through_the_api_stay(self, scene: Scene) -> None:
        await scene.create("mine")
        await scene.declare(self.define("theirs"))
        await scene.declare()
        assert [queue.name for queue in scene.queues.queues()] == ["mine"]

    @pytest.mark.parametrize(
        ("attributes", "cause"),
        [
            ({"DelaySeconds": "901"}, "queue q: Invalid value for the parameter DelaySeconds."),
            ({"RedrivePolicy": "{}"}, "queue q: Value {} for parameter RedrivePolicy is invalid"),
            (
                {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn("none"), "maxReceiveCount": 3})},
                "Dead letter target does not exist.",
            ),
        ],
    )
    async def test_what_cannot_be_used_is_the_projects_fault_and_changes_nothing(
        self, scene: Scene, attributes: dict[str, str], cause: str
    ) -> None:
        with pytest.raises(ProjectError) as caught:
            await scene.declare(self.define("fine"), self.define("q", **attributes))
        assert cause in caught.value.cause
        assert scene.queues.queues() == ()

    async def test_what_changes_nothing_is_a_warning(self, scene: Scene) -> None:
        assert await scene.declare(self.define("q", KmsMasterKeyId="key")) == [
            "queue q: KmsMasterKeyId is kept and shown, but changes nothing here"
        ]


async def test_the_numbers_are_limits(clock: VirtualClock) -> None:
    scene = await Scene.open(clock, limits=SqsLimits(delay_seconds=5, purge_seconds=0))
    url = await scene.create()
    with pytest.raises(CallerError, match="DelaySeconds must be >= 0 and <= 5"):
        await scene.send(url, "a", DelaySeconds=6)
    await scene.call("PurgeQueue", QueueUrl=url)
    await scene.call("PurgeQueue", QueueUrl=url)
    await scene.queues.close()
