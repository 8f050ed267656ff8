"""CreateEventSourceMapping and its family: shapes, states and refusals as recorded (reference §20)."""

import re

import pytest

from callpark.functions.model import FunctionConfiguration
from callpark.kernel.errors import CallerError
from callpark.queues.model import MessageAttribute, Submission
from tests.functions.plain_environments import Run
from tests.functions.sources.conftest import Fed, fed

__all__ = ["fed"]

pytestmark = pytest.mark.sim

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"


@pytest.fixture
async def ready(fed: Fed) -> Fed:
    """A queue q, a FIFO queue q.fifo, a function f."""
    await fed.queue("q")
    await fed.queue("q.fifo")
    await fed.scene.declare("f", lambda run: None)
    return fed


async def refused(fed: Fed, operation: str, **parameters: object) -> CallerError:
    with pytest.raises(CallerError) as refusal:
        await fed.scene.call(operation, **parameters)
    return refusal.value


async def not_created(fed: Fed, **parameters: object) -> CallerError:
    return await refused(
        fed, "CreateEventSourceMapping", **{"EventSourceArn": QUEUE, "FunctionName": "f", **parameters}
    )


async def test_the_recorded_body(ready: Fed) -> None:
    created = await ready.map("q")
    mapping_id = str(created["UUID"])
    assert UUID.fullmatch(mapping_id)
    assert created == {
        "UUID": mapping_id,
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "EventSourceArn": QUEUE,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:123456789012:event-source-mapping:{mapping_id}",
        "FunctionArn": FUNCTION,
        "LastModified": ready.clock.now(),
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
        "FunctionResponseTypes": [],
    }
    found = await ready.scene.call("GetEventSourceMapping", UUID=mapping_id)
    assert found == {**created, "State": "Enabled"}
    deleted = await ready.scene.call("DeleteEventSourceMapping", UUID=mapping_id)
    assert deleted == {**created, "State": "Deleting"}


async def test_states_of_answers(ready: Fed) -> None:
    created = await ready.map("q", Enabled=False)
    assert created["State"] == "Disabled"
    mapping_id = created["UUID"]
    for parameters, answered, then in (
        ({"Enabled": True}, "Enabling", "Enabled"),
        ({"BatchSize": 2}, "Updating", "Enabled"),
        ({"Enabled": False}, "Disabling", "Disabled"),
    ):
        changed = await ready.scene.call("UpdateEventSourceMapping", UUID=mapping_id, **parameters)
        assert changed["State"] == answered
        assert (await ready.scene.call("GetEventSourceMapping", UUID=mapping_id))["State"] == then


async def test_everything_that_can_be_set(ready: Fed) -> None:
    given: dict[str, object] = {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 30,
        "FilterCriteria": {"Filters": [{"Pattern": '{ "body":  {"a": [1] } }'}]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 2},
    }
    created = await ready.map("q", "f", **given)
    assert {name: created[name] for name in given} == given, "patterns are echoed as sent"
    emptied = await ready.scene.call(
        "UpdateEventSourceMapping", UUID=created["UUID"], FilterCriteria={}, ScalingConfig={}, FunctionResponseTypes=[]
    )
    assert "FilterCriteria" not in emptied
    assert "ScalingConfig" not in emptied
    assert emptied["FunctionResponseTypes"] == []
    assert emptied["BatchSize"] == 100


async def test_provisioned_pollers(ready: Fed) -> None:
    created = await ready.map("q", ProvisionedPollerConfig={"MinimumPollers": 2, "MaximumPollers": 3})
    assert created["ProvisionedPollerConfig"] == {"MinimumPollers": 2, "MaximumPollers": 3}
    emptied = await ready.scene.call("UpdateEventSourceMapping", UUID=created["UUID"], ProvisionedPollerConfig={})
    assert "ProvisionedPollerConfig" not in emptied


@pytest.mark.parametrize(
    ("given", "shown"),
    [("f", ""), (FUNCTION, ""), ("f:$LATEST", ":$LATEST"), ("f:live", ":live"), (f"{FUNCTION}:live", ":live")],
)  # fmt: skip
async def test_the_function_arn_repeats_the_qualifier_that_was_given(ready: Fed, given: str, shown: str) -> None:
    """(recorded) none given, none shown."""
    await ready.scene.call("PublishVersion", FunctionName="f")
    await ready.scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    assert (await ready.map("q", given))["FunctionArn"] == FUNCTION + shown


async def test_an_alias_runs_its_version(ready: Fed) -> None:
    await ready.scene.call("PublishVersion", FunctionName="f")
    await ready.scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    await ready.map("q", "f:live")
    await ready.send("q", "a")
    await ready.clock.settle()
    (run,) = ready.scene.environments.runs
    assert (run.deployment.version, run.attempt.invoked_arn) == ("1", f"{FUNCTION}:live")


@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        ({"EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:none"}, "InvalidParameterValueException",
         "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
         "SQS Error Message: The specified queue does not exist."),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "InvalidParameterValueException",
         "Invalid filter pattern definition."),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"body": "x"}'}]}}, "InvalidParameterValueException",
         "Invalid filter pattern definition."),
        ({"EventSourceArn": None}, "InvalidParameterValueException", "Unrecognized event source."),
        ({"EventSourceArn": "arn:aws:sns:us-east-1:123456789012:t"}, "InvalidParameterValueException",
         "Unrecognized event source."),
        ({"FunctionName": "none"}, "InvalidParameterValueException", "Function does not exist"),
        ({"FunctionName": "f:none"}, "InvalidParameterValueException", "Function does not exist"),
        ({"BatchSize": 11}, "InvalidParameterValueException",
         "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"),
        ({"EventSourceArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s"}, "InvalidParameterValueException",
         "callpark does not support event sources of kinesis, only Amazon SQS."),
        ({"BatchSize": 0}, "ValidationException",
         "1 validation error detected: Value '0' at 'batchSize' failed to satisfy constraint: "
         "Member must have value greater than or equal to 1"),
        ({"BatchSize": 10_001}, "ValidationException",
         "1 validation error detected: Value '10001' at 'batchSize' failed to satisfy constraint: "
         "Member must have value less than or equal to 10000"),
        ({"MaximumBatchingWindowInSeconds": 301}, "ValidationException",
         "1 validation error detected: Value '301' at 'maximumBatchingWindowInSeconds' failed to satisfy constraint: "
         "Member must have value less than or equal to 300"),
        ({"ScalingConfig": {"MaximumConcurrency": 1}}, "ValidationException",
         "1 validation error detected: Value '1' at 'scalingConfig.maximumConcurrency' failed to satisfy constraint: "
         "Member must have value greater than or equal to 2"),
        ({"ScalingConfig": {"MaximumConcurrency": 5}, "ProvisionedPollerConfig": {"MinimumPollers": 2}},
         "InvalidParameterValueException", "ProvisionedPollerConfig and MaximumConcurrency cannot be used together."),
        ({"EventSourceArn": QUEUE + ".fifo", "BatchSize": 11, "MaximumBatchingWindowInSeconds": 1},
         "InvalidParameterValueException", "Maximum batch size for FIFO queues is 10, not 11."),
        ({"EventSourceArn": QUEUE + ".fifo", "MaximumBatchingWindowInSeconds": 1},
         "InvalidParameterValueException", "Batching window is not supported for FIFO queues."),
        ({"FilterCriteria": {"Filters": [{"Pattern": '{"body": [1]}'}] * 6}},
         "InvalidParameterValueException", "FilterCriteria can have 5 filters, not 6."),
    ],
)  # fmt: skip
async def test_refusals(ready: Fed, parameters: dict[str, object], code: str, message: str) -> None:
    refusal = await not_created(ready, **parameters)
    assert (refusal.code, refusal.status, refusal.message) == (code, 400, message)
    assert await ready.scene.call("ListEventSourceMappings") == {"EventSourceMappings": []}


async def test_an_unknown_response_type(ready: Fed) -> None:
    refusal = await not_created(ready, FunctionResponseTypes=["Other"])
    assert refusal.code == "ValidationException"
    assert "enum value set: [ReportBatchItemFailures]" in refusal.message


async def test_the_visibility_timeout_covers_the_function(ready: Fed) -> None:
    """§20: at least the function timeout, checked at creation."""
    configuration = FunctionConfiguration("slow", "python3.11", "app.handler", timeout_seconds=31)
    await ready.scene.declare("slow", lambda run: None, configuration=configuration)
    refusal = await not_created(ready, FunctionName="slow")
    assert (refusal.code, refusal.message) == (
        "InvalidParameterValueException",
        "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds",
    )


async def test_the_same_pair_twice(ready: Fed) -> None:
    """(recorded)"""
    mapping = await ready.map("q")
    refusal = await not_created(ready)
    assert (refusal.code, refusal.status) == ("ResourceConflictException", 409)
    assert refusal.message == (
        f'An event source mapping with SQS arn (" {QUEUE} ") and function (" f ") already exists. '
        f"Please update or delete the existing mapping with UUID {mapping['UUID']}"
    )
    await ready.scene.call("DeleteEventSourceMapping", UUID=mapping["UUID"])
    await ready.map("q")


@pytest.mark.parametrize("operation", ["GetEventSourceMapping", "UpdateEventSourceMapping", "DeleteEventSourceMapping"])
async def test_an_unknown_uuid(ready: Fed, operation: str) -> None:
    """(recorded)"""
    refusal = await refused(ready, operation, UUID="3f9b4d54-0000-4000-8000-000000000000")
    assert (refusal.code, refusal.status) == ("ResourceNotFoundException", 404)
    assert refusal.message == "The resource you requested does not exist."


async def test_an_update_is_refused_as_a_creation_is(ready: Fed) -> None:
    mapping = await ready.map("q")
    refusal = await refused(ready, "UpdateEventSourceMapping", UUID=mapping["UUID"], BatchSize=11)
    assert refusal.message.startswith("Maximum batch window in seconds")
    refusal = await refused(ready, "UpdateEventSourceMapping", UUID=mapping["UUID"], FunctionName="none")
    assert refusal.message == "Function does not exist"
    found = await ready.scene.call("GetEventSourceMapping", UUID=mapping["UUID"])
    assert found == {**mapping, "State": "Enabled"}


async def test_another_function(ready: Fed) -> None:
    await ready.scene.declare("g", lambda run: None)
    mapping = await ready.map("q")
    changed = await ready.scene.call("UpdateEventSourceMapping", UUID=mapping["UUID"], FunctionName="g")
    assert changed["FunctionArn"] == FUNCTION[:-1] + "g"
    await ready.send("q", "a")
    await ready.clock.settle()
    assert [run.function for run in ready.scene.environments.runs] == ["g"]


async def test_lists_by_queue_and_function(ready: Fed) -> None:
    await ready.scene.declare("g", lambda run: None)
    made = [await ready.map("q"), await ready.map("q", "g"), await ready.map("q.fifo")]

    async def listed(**parameters: object) -> set[object]:
        found = await ready.scene.call("ListEventSourceMappings", **parameters)
        assert isinstance(found["EventSourceMappings"], list)
        return {one["UUID"] for one in found["EventSourceMappings"]}

    ids = [one["UUID"] for one in made]
    assert await listed() == set(ids)
    assert await listed(EventSourceArn=QUEUE) == {ids[0], ids[1]}
    assert await listed(FunctionName="f") == {ids[0], ids[2]}
    assert await listed(FunctionName=FUNCTION, EventSourceArn=QUEUE) == {ids[0]}
    seen: set[object] = set()
    marker: dict[str, object] = {}
    for _ in range(3):
        page = await ready.scene.call("ListEventSourceMappings", MaxItems=1, **marker)
        assert isinstance(page["EventSourceMappings"], list)
        seen |= {one["UUID"] for one in page["EventSourceMappings"]}
        marker = {"Marker": page.get("NextMarker")}
    assert seen == set(ids)
    assert marker == {"Marker": None}


async def test_tags(ready: Fed) -> None:
    mapping = await ready.map("q", Tags={"a": "1", "b": "2"})
    arn = mapping["EventSourceMappingArn"]
    await ready.scene.call("TagResource", Resource=arn, Tags={"c": "3"})
    await ready.scene.call("UntagResource", Resource=arn, TagKeys=["a"])
    assert await ready.scene.call("ListTags", Resource=arn) == {"Tags": {"b": "2", "c": "3"}}


async def test_what_changes_nothing_is_named(ready: Fed, caplog: pytest.LogCaptureFixture) -> None:
    created = await ready.map("q", MetricsConfig={"Metrics": ["EventCount"]}, StartingPosition="LATEST")
    assert created["MetricsConfig"] == {"Metrics": ["EventCount"]}
    assert "MetricsConfig is kept and shown, but changes nothing here" in caplog.text
    assert "StartingPosition is for other sources" in caplog.text
    caplog.clear()


async def record_of(fed: Fed, queue: str) -> dict[str, object]:
    await fed.clock.advance(2)
    run: Run = fed.scene.environments.runs[-1]
    assert isinstance(run.event, dict)
    (record,) = run.event["Records"]
    assert record["eventSourceARN"] == fed.arn(queue)
    assert isinstance(record, dict)
    return record


async def test_the_recorded_record(ready: Fed) -> None:
    await ready.map("q")
    queue = ready.queues.queue(QUEUE)
    attributes = {
        "Title": MessageAttribute("String", "The Whistler"),
        "Raw": MessageAttribute("Binary", binary=b"\0\1"),
    }
    await ready.clock.run_until(ready.queues.send(queue, [Submission('{"k": 1}', attributes)]))
    record = await record_of(ready, "q")
    assert list(record) == [
        *("messageId", "receiptHandle", "body", "attributes", "messageAttributes", "md5OfMessageAttributes"),
        *("md5OfBody", "eventSource", "eventSourceARN", "awsRegion"),
    ]
    shown = record["attributes"]
    assert isinstance(shown, dict)
    assert list(shown) == [
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    ]
    assert shown["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"] == {
        "Title": {
            "stringValue": "The Whistler",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String",
        },
        "Raw": {"binaryValue": "AAE=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
    }
    assert (record["body"], record["md5OfBody"]) == ('{"k": 1}', "369a65ffa380af4e7d31b5bd677eb597")
    assert (record["eventSource"], record["awsRegion"]) == ("aws:sqs", "us-east-1")


@pytest.mark.parametrize(("window", "present"), [(0, False), (1, True)])
async def test_the_attributes_digest_without_attributes(ready: Fed, window: int, present: bool) -> None:
    """(both recorded) absent, or null in a mapping with a window."""
    await ready.map("q", MaximumBatchingWindowInSeconds=window)
    await ready.send("q", "a")
    record = await record_of(ready, "q")
    assert ("md5OfMessageAttributes" in record) is present
    assert record.get("md5OfMessageAttributes") is None


async def test_what_fifo_adds(ready: Fed) -> None:
    await ready.map("q.fifo")
    await ready.send("q.fifo", "a", group="g")
    record = await record_of(ready, "q.fifo")
    attributes = record["attributes"]
    assert isinstance(attributes, dict)
    assert {"MessageDeduplicationId", "MessageGroupId", "SequenceNumber"} <= set(attributes)
    assert attributes["MessageGroupId"] == "g"
