"""What is read of the stream: single messages from its leader, many from any server.

Called by the store and the writer. A message that the leader gives is the last one; what any server gives may be a few
milliseconds old, so it is compared with what is known, or with how far the leader is.
"""

import asyncio
import base64
from collections.abc import Sequence

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from callpark.kernel.limits import StoreLimits
from callpark.store.nats.connection import Connection, Unanswered, elapsed, pause
from callpark.store.nats.records import HEADER, ItemHead, Message, Parts, RowHead, read

#: The server gives at most 1,024 subjects for one question.
_MANY = 256
_PAGE = 500
_AT_ONCE = 64
_TRIES = 100

_NOT_FOUND, _TOO_MANY, _END = "404", "413", "204"


class _Page(msgspec.Struct):
    """`until`: how far the server was that gave them. `more`: there are more than fit into one answer, behind
    `last`."""

    messages: list[Message] = msgspec.field(default_factory=list)
    until: int | None = None
    last: int = 0
    more: bool = False


class Reader:
    def __init__(self, connection: Connection, limits: StoreLimits) -> None:
        self._connection = connection
        self._limits = limits

    async def last_sequence(self) -> int:
        """How far the stream is, from its leader. Raises Unanswered."""
        answer = await self._connection.ask("STREAM.INFO", {})
        return answer.state.last_seq if answer.state is not None else 0

    async def latest(self, subject: str) -> Message | None:
        """The last message of a subject, from the leader; a tombstone is one too. Raises Unanswered."""
        answer = await self._connection.ask("STREAM.MSG.GET", {"last_by_subj": subject})
        stored = answer.message
        if stored is None:
            return None
        headers = _headers(base64.b64decode(stored.hdrs))
        return read(subject, stored.seq, headers, base64.b64decode(stored.data))

    async def latest_of(self, subjects: Sequence[str]) -> list[Message | None]:
        """The same of several, asked at once: one after the other they would take a round trip each. Raises
        Unanswered."""
        found: list[Message | None] = []
        for start in range(0, len(subjects), _AT_ONCE):
            found += await asyncio.gather(*(self.latest(each) for each in subjects[start : start + _AT_ONCE]))
        return found

    async def many(self, subjects: Sequence[str]) -> dict[str, Message]:
        """The last messages of these subjects as some server has them, those that are there. Raises Unanswered."""
        found: dict[str, Message] = {}
        for start in range(0, len(subjects), _MANY):
            wanted = subjects[start : start + _MANY]
            while wanted:
                page = await self._direct({"multi_last": list(wanted)})
                found.update((message.subject, message) for message in page.messages)
                wanted = [each for each in wanted if each not in found] if page.more and page.messages else ()
        return found

    async def all(self, pattern: str, since: int = 0) -> list[Message]:
        """The last messages of all subjects that match, as of now and of the sequence `since` at least. Raises
        Unanswered."""
        wanted = max(since, await self.last_sequence())
        for _ in range(_TRIES):
            page = await self._direct({"multi_last": [pattern]})
            if page.more:
                return await self._pages(pattern)
            if page.until is None or page.until >= wanted:
                return page.messages
            await pause(0.01)
        raise Unanswered("a server is far behind the others")

    async def body(self, message: Message) -> bytes | None:
        """The body of an item or the value of a row, whole; None when it was changed meanwhile. Raises Unanswered."""
        head = message.head
        if isinstance(head, ItemHead):
            return await self._joined(message.subject, head.parts, message.payload[head.state_bytes :])
        if isinstance(head, RowHead):
            return await self._joined(message.subject, head.parts, message.payload)
        return None

    async def _joined(self, subject: str, parts: Parts | None, inline: bytes) -> bytes | None:
        if parts is None:
            return inline
        subjects = [self._connection.subjects.part(subject, number) for number in range(parts.count)]
        found = await self.many(subjects)
        pieces: list[bytes] = []
        for each in subjects:
            piece = found.get(each)
            if piece is None or piece.token != parts.token:
                piece = await self.latest(each)
            if piece is None or piece.token != parts.token:
                return None
            pieces.append(piece.payload)
        return b"".join(pieces)

    async def _pages(self, pattern: str) -> list[Message]:
        """Page by page, in the order of the stream; what is written meanwhile comes again behind. A server that is
        behind the leader does not show its last milliseconds here."""
        found: dict[str, Message] = {}
        following = 1
        while True:
            page = await self._direct({"seq": following, "next_by_subj": pattern, "batch": _PAGE})
            found.update((message.subject, message) for message in page.messages)
            if not page.more:
                return list(found.values())
            following = page.last + 1

    async def _direct(self, question: dict[str, object]) -> _Page:
        client: Client = self._connection.client
        inbox = client.new_inbox()
        page = _Page()
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        heard_at = elapsed()

        async def take(reply: Msg) -> None:
            nonlocal heard_at
            heard_at = elapsed()
            headers = reply.headers or {}
            status = headers.get("Status")
            if status is None:
                page.last = int(headers["Nats-Sequence"])
                message = read(headers["Nats-Subject"], page.last, headers, reply.data)
                if message is not None:
                    page.messages.append(message)
            elif not ended.done():
                if status not in (_END, _NOT_FOUND, _TOO_MANY):
                    ended.set_exception(Unanswered(f"a direct read ended with {status}"))
                    return
                until = headers.get("Nats-UpTo-Sequence")
                page.until = int(until) if until else None
                page.more = status == _TOO_MANY or int(headers.get("Nats-Num-Pending", "0")) > 0
                ended.set_result(None)

        end = await self._connection.listen(inbox, take)
        try:
            await self._connection.publish(
                f"$JS.API.DIRECT.GET.{self._connection.subjects.stream}", msgspec.json.encode(question), reply=inbox
            )
            while not ended.done():
                await asyncio.wait((ended,), timeout=self._limits.answer_seconds)
                if not ended.done() and elapsed() - heard_at > self._limits.answer_seconds:
                    raise Unanswered("a direct read was not answered")
            ended.result()
            return page
        finally:
            await end()


def _headers(block: bytes) -> dict[str, str]:
    """Of a header block as the stream keeps it, ours."""
    for line in block.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.decode("ascii", "replace") == HEADER:
            return {HEADER: value.strip().decode("utf-8")}
    return {}
