"""Reading a body: whole, within its limit, and no further than it comes."""

import pytest

from callpark.kernel.asgi import BodyTooLarge, ClientGone, Message, read_body

pytestmark = pytest.mark.unit

GONE: Message = {"type": "http.disconnect"}


def part(body: bytes, *, last: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": not last}


class Client:
    """Sends messages, one for each that is asked for."""

    def __init__(self, *messages: Message) -> None:
        self.left = list(messages)

    async def receive(self) -> Message:
        return self.left.pop(0)


@pytest.mark.parametrize(
    ("messages", "body"),
    [
        ([part(b"")], b""),
        ([{"type": "http.request"}], b""),
        ([part(b"12345")], b"12345"),
        ([part(b"12", last=False), part(b"", last=False), part(b"345")], b"12345"),
    ],
)
async def test_a_body_comes_whole(messages: list[Message], body: bytes) -> None:
    assert await read_body(Client(*messages).receive, None, 5) == body


@pytest.mark.parametrize("announced", ["6", "006", "9" * 5000])
async def test_a_body_announced_too_large_is_not_read(announced: str) -> None:
    client = Client(part(b"123456"))
    with pytest.raises(BodyTooLarge):
        await read_body(client.receive, announced, 5)
    assert len(client.left) == 1


@pytest.mark.parametrize("announced", [None, "", "-1", "1e9", "²", "5"])
async def test_a_body_that_grows_too_large_is_cut(announced: str | None) -> None:
    client = Client(part(b"123", last=False), part(b"456", last=False), part(b"789"))
    with pytest.raises(BodyTooLarge):
        await read_body(client.receive, announced, 5)
    assert len(client.left) == 1


async def test_a_client_that_leaves_is_told_apart() -> None:
    with pytest.raises(ClientGone):
        await read_body(Client(part(b"1", last=False), GONE).receive, None, 5)
