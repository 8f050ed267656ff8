"""Receives and deletes everything that lies in queues, over SQS's own protocol. Called by `driver.py`."""

from collections.abc import Mapping, Sequence

import httpx
import msgspec

from tests.soak.verdict import Message


async def emptied(endpoint: str, names: Sequence[str]) -> Mapping[str, Sequence[Message]]:
    async with httpx.AsyncClient(base_url=endpoint, timeout=30, trust_env=False) as client:
        return {name: await _emptied(client, f"{endpoint}/123456789012/{name}") for name in names}


async def _emptied(client: httpx.AsyncClient, url: str) -> Sequence[Message]:
    found: list[Message] = []
    asked = {"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 600, "MessageAttributeNames": ["All"]}
    while received := msgspec.json.decode(await _call(client, "ReceiveMessage", asked), type=_Received).Messages:
        found += [
            Message(one.Body, {name: (a.DataType, a.StringValue) for name, a in one.MessageAttributes.items()})
            for one in received
        ]
        entries = [{"Id": str(i), "ReceiptHandle": one.ReceiptHandle} for i, one in enumerate(received)]
        await _call(client, "DeleteMessageBatch", {"QueueUrl": url, "Entries": entries})
    return found


async def _call(client: httpx.AsyncClient, operation: str, parameters: Mapping[str, object]) -> bytes:
    headers = {"x-amz-target": f"AmazonSQS.{operation}", "content-type": "application/x-amz-json-1.0"}
    response = await client.post("/", json=parameters, headers=headers)
    assert response.status_code == 200, response.text
    return response.content


class _Attribute(msgspec.Struct):
    DataType: str
    StringValue: str


class _One(msgspec.Struct):
    Body: str
    ReceiptHandle: str
    MessageAttributes: dict[str, _Attribute] = {}


class _Received(msgspec.Struct):
    Messages: list[_One] = []
