"""The operations of CloudWatch Logs: names, pages, refusals."""

import pytest

from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from tests.logs.scene import GROUP, Scene, messages, opened

pytestmark = pytest.mark.sim

ARN = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/Echo"


@pytest.fixture
async def scene(clock: VirtualClock) -> Scene:
    return await opened(clock)


async def refused(scene: Scene, operation: str, **parameters: object) -> tuple[str, str]:
    with pytest.raises(CallerError) as caught:
        await scene.call(operation, **parameters)
    return caught.value.code, caught.value.message


async def test_groups_are_described_as_aws_describes_them(scene: Scene) -> None:
    scene.say("12345")
    created = int(scene.clock.now() * 1000)
    answer = await scene.call("DescribeLogGroups", logGroupNamePrefix="/aws/lambda/")
    assert answer == {
        "logGroups": [
            {
                "logGroupName": GROUP,
                "creationTime": created,
                "metricFilterCount": 0,
                "arn": ARN + ":*",
                "storedBytes": 31,
                "logGroupClass": "STANDARD",
                "logGroupArn": ARN,
            }
        ]
    }
    await scene.call("PutRetentionPolicy", logGroupName=GROUP, retentionInDays=30)
    groups = (await scene.call("DescribeLogGroups", logGroupNamePattern="echo"))["logGroups"]
    assert isinstance(groups, list)
    assert groups[0]["retentionInDays"] == 30
    await scene.call("DeleteRetentionPolicy", logGroupName=GROUP)
    groups = (await scene.call("DescribeLogGroups"))["logGroups"]
    assert isinstance(groups, list)
    assert "retentionInDays" not in groups[0]


async def test_groups_and_streams_come_in_pages(scene: Scene) -> None:
    for number in range(7):
        await scene.call("CreateLogGroup", logGroupName=f"g{number}")
        await scene.call("CreateLogStream", logGroupName="g0", logStreamName=f"s{number}")
    for operation, member, name, more in (
        ("DescribeLogGroups", "logGroups", "logGroupName", {}),
        ("DescribeLogStreams", "logStreams", "logStreamName", {"logGroupName": "g0"}),
    ):
        found: list[str] = []
        token: dict[str, object] = {}
        while True:
            page = await scene.call(operation, limit=3, **more, **token)
            listed = page[member]
            assert isinstance(listed, list)
            assert len(listed) <= 3
            found += [item[name] for item in listed]
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        assert [name[1:] for name in found] == [str(number) for number in range(7)]


async def test_streams_by_their_last_event(scene: Scene) -> None:
    for name in ("b", "a", "c"):
        scene.say("x", stream=name)
        await scene.clock.advance(10)
    answer = await scene.call(
        "DescribeLogStreams", logGroupIdentifier=ARN, orderBy="LastEventTime", descending=True, limit=2
    )
    streams = answer["logStreams"]
    assert isinstance(streams, list)
    assert [stream["logStreamName"] for stream in streams] == ["c", "a"]
    assert streams[0]["firstEventTimestamp"] == streams[0]["lastEventTimestamp"]
    assert streams[0]["arn"] == ARN + ":log-stream:c"
    assert await refused(
        scene, "DescribeLogStreams", logGroupName=GROUP, orderBy="LastEventTime", logStreamNamePrefix="a"
    ) == ("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")


async def test_get_log_events_goes_back_from_the_end_and_forward_again(scene: Scene) -> None:
    for number in range(10):
        scene.say(f"{number}")
        scene.say("other", stream="t")
        await scene.clock.advance(1)
    asked: dict[str, object] = {"logGroupName": GROUP, "logStreamName": "s", "limit": 4}
    last = await scene.call("GetLogEvents", **asked)
    assert messages(last) == ["6", "7", "8", "9"]
    before = await scene.call("GetLogEvents", **asked, nextToken=last["nextBackwardToken"])
    assert messages(before) == ["2", "3", "4", "5"]
    again = await scene.call("GetLogEvents", **asked, nextToken=before["nextForwardToken"])
    assert messages(again) == ["6", "7", "8", "9"]
    end = await scene.call("GetLogEvents", **asked, nextToken=again["nextForwardToken"])
    assert messages(end) == []
    assert end["nextForwardToken"] == again["nextForwardToken"]
    assert messages(await scene.call("GetLogEvents", **asked, nextToken=end["nextBackwardToken"])) == [
        "6",
        "7",
        "8",
        "9",
    ]
    scene.say("10")
    assert messages(await scene.call("GetLogEvents", **asked, nextToken=end["nextForwardToken"])) == ["10"]
    first = await scene.call("GetLogEvents", **asked, startFromHead=True)
    assert messages(first) == ["0", "1", "2", "3"]
    start = await scene.call("GetLogEvents", **asked, nextToken=first["nextBackwardToken"])
    assert messages(start) == []
    assert start["nextBackwardToken"] == first["nextBackwardToken"]
    assert messages(await scene.call("GetLogEvents", **asked, nextToken=start["nextForwardToken"])) == [
        "0",
        "1",
        "2",
        "3",
    ]


async def test_an_empty_stream_has_tokens_too(scene: Scene) -> None:
    await scene.call("CreateLogGroup", logGroupName="g")
    await scene.call("CreateLogStream", logGroupName="g", logStreamName="s")
    empty = await scene.call("GetLogEvents", logGroupName="g", logStreamName="s")
    assert messages(empty) == []
    now = int(scene.clock.now() * 1000)
    await scene.call(
        "PutLogEvents", logGroupName="g", logStreamName="s", logEvents=[{"timestamp": now, "message": "x"}]
    )
    following = await scene.call(
        "GetLogEvents", logGroupName="g", logStreamName="s", nextToken=empty["nextForwardToken"]
    )
    assert messages(following) == ["x"]


async def test_filter_log_events_in_pages_between_instants_in_streams(scene: Scene) -> None:
    start = int(scene.clock.now() * 1000)
    for number in range(20):
        scene.say(f"{'odd' if number % 2 else 'even'} {number}", stream="ab"[number % 2])
        await scene.clock.advance(1)
    assert await scene.filtered(filterPattern="odd", startTime=start + 5_000, endTime=start + 9_000) == [
        "odd 5",
        "odd 7",
    ]
    assert len(await scene.filtered(logStreamNames=["a"])) == 10
    assert len(await scene.filtered(logStreamNamePrefix="b")) == 10
    found: list[str] = []
    token: dict[str, object] = {}
    while True:
        page = await scene.call("FilterLogEvents", logGroupName=GROUP, filterPattern="even", limit=3, **token)
        found += messages(page)
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert found == [f"even {number}" for number in range(0, 20, 2)]


async def test_an_event_as_filter_log_events_shows_it(scene: Scene) -> None:
    scene.say("START RequestId: 1 Version: $LATEST\n", stream="2026/01/01/[$LATEST]abc")
    at = int(scene.clock.now() * 1000)
    events = (await scene.call("FilterLogEvents", logGroupName=GROUP))["events"]
    assert isinstance(events, list)
    (event,) = events
    assert event == {
        "logStreamName": "2026/01/01/[$LATEST]abc",
        "timestamp": at,
        "message": "START RequestId: 1 Version: $LATEST\n",
        "ingestionTime": at,
        "eventId": f"{at:038d}{1:018d}",
    }


async def test_a_page_is_at_most_a_megabyte(scene: Scene) -> None:
    for _ in range(30):
        scene.say("x" * 100_000)
    assert len(await scene.filtered()) == 10


async def test_put_log_events_rejects_what_is_too_old_and_too_new(scene: Scene) -> None:
    await scene.call("CreateLogGroup", logGroupName="g")
    await scene.call("CreateLogStream", logGroupName="g", logStreamName="s")
    now = int(scene.clock.now() * 1000)
    day = 86_400_000
    put = {"logGroupName": "g", "logStreamName": "s"}
    old = [now - 15 * day, now - 14 * day - 1, now - 14 * day]
    answer = await scene.call("PutLogEvents", **put, logEvents=[{"timestamp": at, "message": "m"} for at in old])
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2}
    new = [now, now + 7_200_000, now + 7_200_001]
    answer = await scene.call("PutLogEvents", **put, logEvents=[{"timestamp": at, "message": "m"} for at in new])
    assert answer["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 2}
    assert len(await scene.filtered("g")) == 3


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([(5, "a"), (4, "b")], "Log events in a single PutLogEvents request must be in chronological order."),
        (
            [(0, "a"), (86_400_001, "b")],
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ),
        ([(0, "x" * 1_048_576)], "Upload too large: 1048602 bytes exceeds limit of 1048576"),
    ],
)
async def test_batches_that_aws_refuses(scene: Scene, events: list[tuple[int, str]], told: str) -> None:
    scene.say("x")
    now = int(scene.clock.now() * 1000) - 86_500_000
    given = [{"timestamp": now + at, "message": message} for at, message in events]
    answer = await refused(scene, "PutLogEvents", logGroupName=GROUP, logStreamName="s", logEvents=given)
    assert answer == ("InvalidParameterException", told)


@pytest.mark.parametrize(
    ("operation", "parameters", "code", "told"),
    [
        (
            "FilterLogEvents",
            {"logGroupName": "no"},
            "ResourceNotFoundException",
            "The specified log group does not exist.",
        ),
        (
            "GetLogEvents",
            {"logGroupName": GROUP, "logStreamName": "no"},
            "ResourceNotFoundException",
            "The specified log stream does not exist.",
        ),
        (
            "CreateLogGroup",
            {"logGroupName": GROUP},
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ),
        (
            "CreateLogStream",
            {"logGroupName": GROUP, "logStreamName": "s"},
            "ResourceAlreadyExistsException",
            "The specified log stream already exists",
        ),
        ("FilterLogEvents", {}, "InvalidParameterException", "Either logGroupName or logGroupIdentifier must be given"),
        (
            "FilterLogEvents",
            {"logGroupName": GROUP, "nextToken": "nonsense"},
            "InvalidParameterException",
            "The specified nextToken is invalid.",
        ),
        (
            "GetLogEvents",
            {"logGroupName": GROUP, "logStreamName": "s", "nextToken": "x/1"},
            "InvalidParameterException",
            "The specified nextToken is invalid.",
        ),
        (
            "FilterLogEvents",
            {"logGroupName": GROUP, "logStreamNames": ["s"], "logStreamNamePrefix": "s"},
            "InvalidParameterException",
            "logStreamNames and logStreamNamePrefix are mutually exclusive parameters.",
        ),
        (
            "CreateLogGroup",
            {"logGroupName": "new", "kmsKeyId": "arn:aws:kms:…"},
            "InvalidParameterException",
            "callpark does not support kmsKeyId (encryption)",
        ),
        (
            "CreateLogGroup",
            {"logGroupName": "new", "logGroupClass": "INFREQUENT_ACCESS"},
            "InvalidParameterException",
            "callpark does not support log group classes other than STANDARD",
        ),
        (
            "FilterLogEvents",
            {"logGroupIdentifier": "arn:aws:s3:::bucket"},
            "InvalidParameterException",
            "Invalid ARN: arn:aws:s3:::bucket",
        ),
    ],
)
async def test_refusals(scene: Scene, operation: str, parameters: dict[str, object], code: str, told: str) -> None:
    scene.say("x")
    assert await refused(scene, operation, **parameters) == (code, told)


async def test_retention_takes_only_the_days_that_aws_takes(scene: Scene) -> None:
    scene.say("x")
    code, told = await refused(scene, "PutRetentionPolicy", logGroupName=GROUP, retentionInDays=2)
    assert code == "InvalidParameterException"
    assert "Member must satisfy enum value set: [1, 3, 5, 7, 14, 30," in told


async def test_tags_under_both_names_of_the_operations(scene: Scene) -> None:
    scene.say("x")
    await scene.call("TagResource", resourceArn=ARN, tags={"a": "1", "b": "2"})
    await scene.call("TagLogGroup", logGroupName=GROUP, tags={"c": "3"})
    await scene.call("UntagResource", resourceArn=ARN, tagKeys=["a"])
    assert (await scene.call("ListTagsForResource", resourceArn=ARN)) == {"tags": {"b": "2", "c": "3"}}
    await scene.call("UntagLogGroup", logGroupName=GROUP, tags=["b"])
    assert (await scene.call("ListTagsLogGroup", logGroupName=GROUP)) == {"tags": {"c": "3"}}
