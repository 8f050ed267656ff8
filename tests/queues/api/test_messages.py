"""What a message may be, what a batch may be, and what AWS says otherwise."""

from typing import Any

import pytest

from callpark.kernel.errors import CallerError
from tests.queues.scene import Scene

pytestmark = pytest.mark.sim

STRING = {"DataType": "String", "StringValue": "v"}
INVALID = "InvalidParameterValueException"
MISSING = "MissingRequiredParameterException"


async def refusal(scene: Scene, operation: str, **parameters: object) -> tuple[str, str]:
    with pytest.raises(CallerError) as caught:
        await scene.call(operation, **parameters)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize(
    ("members", "code", "text"),
    [
        ({"MessageBody": ""}, MISSING, "The request must contain the parameter MessageBody."),
        (
            {"MessageBody": "a\0"},
            "InvalidMessageContents",
            "Invalid characters found. Valid unicode characters are "
            "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF",
        ),
        (
            {"DelaySeconds": 901},
            INVALID,
            "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
        ),
        (
            {"MessageAttributes": {f"n{number}": STRING for number in range(11)}},
            INVALID,
            "Number of message attributes [11] exceeds the allowed maximum [10].",
        ),
        (
            {"MessageAttributes": {"ErrorDetails": {"DataType": "String", "StringValue": ""}}},
            INVALID,
            "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'.",
        ),
        (
            {"MessageAttributes": {"n": {"DataType": "Text", "StringValue": "a"}}},
            INVALID,
            "The message attribute 'n' has an invalid message attribute type, "
            "the set of supported type prefixes is Binary, Number, and String.",
        ),
        (
            {"MessageAttributes": {"n": {"DataType": "Number", "StringValue": "one"}}},
            INVALID,
            "Can't cast the value of message (user) attribute 'n' to a number.",
        ),
        (
            {"MessageAttributes": {"n": {"StringValue": "one"}}},
            INVALID,
            "The message attribute 'n' must contain a non-empty data type.",
        ),
        (
            {"MessageAttributes": {"n": {"DataType": "Binary", "StringValue": "one"}}},
            INVALID,
            "Message (user) attribute 'n' must contain a non-empty value of type 'Binary'.",
        ),
        (
            {"MessageAttributes": {"AWS.n": STRING}},
            INVALID,
            "The message attribute name 'AWS.n' is invalid. Attribute name can contain A-Z, a-z, 0-9, "
            "underscore (_), hyphen (-), and period (.) characters.",
        ),
        (
            {"MessageAttributes": {"n": {"DataType": "String", "StringListValues": ["a"]}}},
            "UnsupportedOperation",
            "Message attribute list values in SendMessage operation are not supported.",
        ),
        (
            {"MessageSystemAttributes": {"Other": STRING}},
            INVALID,
            "Message system attribute name 'Other' is invalid.",
        ),
        (
            {"MessageDeduplicationId": "d"},
            INVALID,
            "Value d for parameter MessageDeduplicationId is invalid. "
            "Reason: The request include parameter that is not valid for this queue type.",
        ),
        (
            {"MessageGroupId": "a b"},
            INVALID,
            "Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include "
            "alphanumeric and punctuation characters. 1 to 128 in length.",
        ),
    ],
)
async def test_a_message_that_cannot_be_sent(scene: Scene, members: dict[str, object], code: str, text: str) -> None:
    url = await scene.create()
    assert await refusal(scene, "SendMessage", **{"QueueUrl": url, "MessageBody": "a", **members}) == (code, text)
    assert await scene.counts(url) == (0, 0, 0)


@pytest.mark.parametrize("name", [".a", "a.", "a..b", "a b", "amazon.x", "ä", "a" * 257])
async def test_names_that_attributes_cannot_have(scene: Scene, name: str) -> None:
    url = await scene.create()
    code, _ = await refusal(scene, "SendMessage", QueueUrl=url, MessageBody="a", MessageAttributes={name: STRING})
    assert code == INVALID


class TestSize:
    async def test_recorded_the_text_for_a_message_that_is_too_long(self, scene: Scene) -> None:
        url = await scene.create()
        await scene.send(url, "x" * 1_048_576)
        text = "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes."
        assert await refusal(scene, "SendMessage", QueueUrl=url, MessageBody="x" * 1_048_577) == (INVALID, text)
        assert await refusal(scene, "SendMessage", QueueUrl=url, MessageBody="ä" * 524_289) == (INVALID, text)

    async def test_attributes_count(self, scene: Scene) -> None:
        url = await scene.create(MaximumMessageSize="1024")
        attributes = {"name": {"DataType": "String", "StringValue": "v" * 14}}
        await scene.send(url, "x" * 1000, MessageAttributes=attributes)
        code, text = await refusal(
            scene, "SendMessage", QueueUrl=url, MessageBody="x" * 1001, MessageAttributes=attributes
        )
        assert text.endswith("Message must be shorter than 1024 bytes.")
        assert code == INVALID

    async def test_recorded_a_batch_that_is_too_long_in_all(self, scene: Scene) -> None:
        url = await scene.create()
        entries = [{"Id": "1", "MessageBody": "x" * 524_288}, {"Id": "2", "MessageBody": "x" * 524_289}]
        assert await refusal(scene, "SendMessageBatch", QueueUrl=url, Entries=entries) == (
            "BatchRequestTooLong",
            "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes.",
        )
        assert await scene.counts(url) == (0, 0, 0)

    async def test_recorded_an_entry_that_is_too_long_fails_alone(self, scene: Scene) -> None:
        url = await scene.create(MaximumMessageSize="1024")
        entries = [{"Id": "1", "MessageBody": "x" * 1025}, {"Id": "2", "MessageBody": "fits"}]
        answer = await scene.call("SendMessageBatch", QueueUrl=url, Entries=entries)
        assert answer["Failed"] == [
            {
                "Id": "1",
                "Code": "InvalidParameterValue",
                "Message": "One or more parameters cannot be validated. "
                "Reason: Message must be shorter than 1024 bytes.",
                "SenderFault": True,
            }
        ]
        assert [entry["Id"] for entry in answer["Successful"]] == ["2"]
        assert await scene.bodies(url) == ["fits"]


class TestBatches:
    @pytest.mark.parametrize("operation", ["SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"])
    @pytest.mark.parametrize(
        ("ids", "code", "text"),
        [
            (
                [str(n) for n in range(20)],
                "TooManyEntriesInBatchRequest",
                "Maximum number of entries per request are 10. You have sent 20.",
            ),
            (
                ["a:b"],
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
                "It can be at most 80 letters long.",
            ),
            (
                ["x" * 81],
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
                "It can be at most 80 letters long.",
            ),
            (["a", "a"], "BatchEntryIdsNotDistinct", "Id a repeated."),
        ],
    )
    async def test_recorded_what_refuses_a_whole_batch(
        self, scene: Scene, operation: str, ids: list[str], code: str, text: str
    ) -> None:
        url = await scene.create()
        entries = [{"Id": i, "MessageBody": "a", "ReceiptHandle": "r", "VisibilityTimeout": 1} for i in ids]
        assert await refusal(scene, operation, QueueUrl=url, Entries=entries) == (code, text)

    async def test_an_empty_batch(self, scene: Scene) -> None:
        url = await scene.create()
        code, text = await refusal(scene, "SendMessageBatch", QueueUrl=url, Entries=[])
        assert code == "EmptyBatchRequest"
        assert text == "There should be at least one SendMessageBatchRequestEntry in the request."

    async def test_entries_fail_one_by_one(self, scene: Scene) -> None:
        url = await scene.create()
        entries = [{"Id": "good", "MessageBody": "a"}, {"Id": "bad", "MessageBody": "\x01"}, {"Id": "empty"}]
        answer = await scene.call("SendMessageBatch", QueueUrl=url, Entries=entries)
        assert [entry["Id"] for entry in answer["Successful"]] == ["good"]
        assert [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]] == [
            ("bad", "InvalidMessageContents", True),
            ("empty", "MissingParameter", True),
        ]

    async def test_deleting_and_changing_with_partial_failure(self, scene: Scene) -> None:
        url = await scene.create()
        for body in "ab":
            await scene.send(url, body)
        first, second = await scene.receive(url)
        entries: list[dict[str, Any]] = [
            {"Id": "1", "ReceiptHandle": first["ReceiptHandle"], "VisibilityTimeout": 0},
            {"Id": "2", "ReceiptHandle": "forged", "VisibilityTimeout": 0},
            {"Id": "3", "ReceiptHandle": second["ReceiptHandle"], "VisibilityTimeout": 99_999},
        ]
        answer = await scene.call("ChangeMessageVisibilityBatch", QueueUrl=url, Entries=entries)
        assert answer["Successful"] == [{"Id": "1"}]
        assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [
            ("2", "ReceiptHandleIsInvalid"),
            ("3", "InvalidParameterValue"),
        ]
        answer = await scene.call("DeleteMessageBatch", QueueUrl=url, Entries=entries)
        assert answer["Successful"] == [{"Id": "1"}, {"Id": "3"}]
        assert answer["Failed"][0]["Message"] == 'The input receipt handle "forged" is not a valid receipt handle.'
        assert await scene.counts(url) == (0, 0, 0)

    async def test_recorded_a_fifo_batch_without_group_or_deduplication_id(self, scene: Scene) -> None:
        url = await scene.fifo()
        entries = [{"Id": "1", "MessageBody": "a", "MessageDeduplicationId": "d"}]
        assert await refusal(scene, "SendMessageBatch", QueueUrl=url, Entries=entries) == (
            INVALID,
            "The request must contain the parameter MessageGroupId.",
        )
        entries = [{"Id": "1", "MessageBody": "a", "MessageGroupId": "g"}]
        assert await refusal(scene, "SendMessageBatch", QueueUrl=url, Entries=entries) == (
            INVALID,
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided "
            "explicitly",
        )

    async def test_recorded_a_fifo_send_without_them(self, scene: Scene) -> None:
        url = await scene.fifo()
        assert await refusal(scene, "SendMessage", QueueUrl=url, MessageBody="a", MessageDeduplicationId="d") == (
            MISSING,
            "The request must contain the parameter MessageGroupId.",
        )
        code, text = await refusal(scene, "SendMessage", QueueUrl=url, MessageBody="a", MessageGroupId="g")
        assert code == INVALID
        assert text.startswith("The queue should either have ContentBasedDeduplication enabled")


class TestReceiving:
    @pytest.mark.parametrize(
        ("member", "value", "reason"),
        [
            ("MaxNumberOfMessages", 11, "Must be between 1 and 10, if provided."),
            ("MaxNumberOfMessages", 0, "Must be between 1 and 10, if provided."),
            ("WaitTimeSeconds", 21, "Must be >= 0 and <= 20, if provided."),
            ("WaitTimeSeconds", -1, "Must be >= 0 and <= 20, if provided."),
            ("VisibilityTimeout", 43_201, "Must be >= 0 and <= 43200, if provided."),
        ],
    )
    async def test_recorded_ranges(self, scene: Scene, member: str, value: int, reason: str) -> None:
        url = await scene.create()
        text = f"Value {value} for parameter {member} is invalid. Reason: {reason}"
        assert await refusal(scene, "ReceiveMessage", QueueUrl=url, **{member: value}) == (INVALID, text)

    @pytest.mark.parametrize(
        ("asked", "names", "digest"),
        [
            (["All"], ["General", "Hello", "Help.Me"], "4c360f3fdafd970e05fae2f149d997f5"),
            ([".*"], ["General", "Hello", "Help.Me"], "4c360f3fdafd970e05fae2f149d997f5"),
            (["Hello", "General"], ["General", "Hello"], "fca026605781cb4126a1e9044df24232"),
            (["Hello", "Nothing"], ["Hello"], "a311262e065454b75da111d535b8dacd"),
            (["Hel.*"], ["Hello", "Help.Me"], "83fee93c1bcd8b9a5a923ffacdc636c7"),
            (["Nothing"], [], None),
            ([], [], None),
        ],
    )
    async def test_recorded_the_digest_covers_only_the_attributes_returned(
        self, scene: Scene, asked: list[str], names: list[str], digest: str | None
    ) -> None:
        url = await scene.create()
        given = {"Help.Me": "Me", "Hello": "There", "General": "Kenobi"}
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in given.items()}
        sent = await scene.send(url, "msg", MessageAttributes=attributes)
        assert sent["MD5OfMessageAttributes"] == "4c360f3fdafd970e05fae2f149d997f5"
        (message,) = await scene.receive(url, MessageAttributeNames=asked)
        assert sorted(message.get("MessageAttributes", {})) == names
        assert message.get("MD5OfMessageAttributes") == digest


class TestHostile:
    @pytest.mark.parametrize(
        "handle",
        [
            "x",
            "ä",
            "AAAA",
            "YSBiIGM=",
            "A" * 5_000,
            "a b c",
            "\x00",
            "bm9uY2UgYXJuOmF3czpzcXM6dXMtZWFzdC0xOjE6cSBpZA==",
        ],
    )
    @pytest.mark.parametrize("operation", ["DeleteMessage", "ChangeMessageVisibility"])
    async def test_what_is_no_handle_is_refused_by_name(self, scene: Scene, handle: str, operation: str) -> None:
        url = await scene.create()
        code, _ = await refusal(scene, operation, QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
        assert code == "ReceiptHandleIsInvalid"

    async def test_a_handle_of_another_queue_is_refused(self, scene: Scene) -> None:
        one, two = await scene.create("one"), await scene.create("two")
        await scene.send(one, "a")
        (message,) = await scene.receive(one)
        code, _ = await refusal(scene, "DeleteMessage", QueueUrl=two, ReceiptHandle=message["ReceiptHandle"])
        assert code == "ReceiptHandleIsInvalid"
        assert await scene.counts(one) == (0, 1, 0)

    async def test_a_forged_handle_of_the_right_form_changes_nothing(self, scene: Scene) -> None:
        from callpark.queues.receipts import Receipt, encode
        from tests.queues.scene import arn

        for url in (await scene.create(), await scene.fifo()):
            name = url.rpartition("/")[2]
            await scene.send(
                url, "a", **({"MessageGroupId": "g", "MessageDeduplicationId": "d"} if "." in name else {})
            )
            (message,) = await scene.receive(url)
            forged = encode(arn(name), Receipt(message["MessageId"], "0" * 32))
            for operation in ("DeleteMessage", "ChangeMessageVisibility"):
                try:
                    await scene.call(operation, QueueUrl=url, ReceiptHandle=forged, VisibilityTimeout=0)
                except CallerError as error:
                    assert error.code == INVALID  # noqa: PT017
            assert await scene.counts(url) == (0, 1, 0)

    @pytest.mark.parametrize("url", ["", "q", "http://127.0.0.1/", "http://127.0.0.1/q", "\x00", "://", "http://[::1"])
    async def test_what_is_no_url_is_refused(self, scene: Scene, url: str) -> None:
        with pytest.raises(CallerError):
            await scene.call("SendMessage", QueueUrl=url, MessageBody="a")

    async def test_a_queue_that_is_not_there(self, scene: Scene) -> None:
        for url in ("http://any/123456789012/none", "http://any/111111111111/q"):
            assert await refusal(scene, "SendMessage", QueueUrl=url, MessageBody="a") == (
                "QueueDoesNotExist",
                "The specified queue does not exist.",
            )

    async def test_any_host_in_the_url_will_do(self, scene: Scene) -> None:
        await scene.create("q")
        await scene.send("https://sqs.us-east-1.amazonaws.com/123456789012/q", "a")
        assert await scene.bodies("http://callpark:4566/123456789012/q") == ["a"]
