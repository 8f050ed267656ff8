"""Streams of chats: topics of Amazon SNS that are told what transcripts get, durably and in order.

Called by `api/streaming_operations.py`. Messages wait in the store's queue; those of one stream are sent one after
another, each again until it has arrived, the topic refuses it, or `connect.stream_seconds` have passed. After a restart
what was on its way is sent again, so a topic may be told twice.

https://docs.aws.amazon.com/connect/latest/adminguide/chat-message-streaming.html
"""

import logging
from collections import deque
from collections.abc import Callable

from callpark.flows.chat import refusals, streams
from callpark.flows.chat.model import Stream
from callpark.flows.events import StreamsChanged
from callpark.flows.ports import Upstreams
from callpark.flows.service import Flows
from callpark.kernel.arn import Arn
from callpark.kernel.clock import Clock, sleep
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.tasks import Tasks
from callpark.store.ports import Done, Store, StoreFailure, WorkItem

_log = logging.getLogger("callpark")

#: Messages in memory at once, of all streams; the others wait on disk.
_HELD = 1_000


class Streaming:
    """Order of life: `open`, `close`."""

    def __init__(
        self, flows: Flows, clock: Clock, ids: Ids, limits: ConnectLimits, store: Store, upstreams: Upstreams
    ) -> None:
        self._flows = flows
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._store = store
        self._upstreams = upstreams
        self._waiting: dict[str, deque[WorkItem]] = {}
        self._held = 0
        self._more = False
        self._end_watch: Callable[[], None] | None = None
        self._tasks = Tasks("chat streams")

    def open(self) -> None:
        """Send what is on its way, and what comes."""
        self._end_watch = self._store.watch(streams.QUEUE, self._ready)

    async def close(self) -> None:
        if self._end_watch is not None:
            self._end_watch()
            self._end_watch = None
        await self._tasks.aclose()

    async def checked(self, topic_arn: str, client_token: str) -> Stream:
        """A new stream to a topic that is there. Raises CallerError."""
        arn = Arn.parse(topic_arn)
        if arn is None or arn.service != "sns":
            raise refusals.invalid_parameter(f"StreamingEndpointArn {topic_arn} is not the ARN of an SNS topic")
        if arn.resource.endswith(".fifo"):
            raise refusals.invalid_parameter("StreamingEndpointArn is of a standard topic, not a FIFO one")
        remedy = self._upstreams.remedy("sns")
        if remedy is not None:
            raise refusals.not_built(f"streaming to {topic_arn}, because nobody serves sns here: {remedy}")
        try:
            await self._upstreams.call("sns", "GetTopicAttributes", {"TopicArn": topic_arn})
        except CallerError as error:
            if error.status == 404 or error.code == "NotFound":
                raise refusals.no_resource(f"The topic {topic_arn}") from error
            raise refusals.invalid_request(f"The topic {topic_arn} cannot be used: {error}") from error
        return Stream(self._ids.uuid(), topic_arn, client_token)

    async def start(self, contact_id: str, topic_arn: str, client_token: str) -> str:
        """Tell a topic what an open chat says from now on; the stream's id, durable. Raises CallerError."""
        known = self._of(contact_id)
        same = [each.id for each in known if client_token and each.client_token == client_token]
        if same:
            return same[0]
        if len(known) >= self._limits.chat_streams:
            raise refusals.limit_exceeded(f"A chat is streamed to {self._limits.chat_streams} topics at most")
        stream = await self.checked(topic_arn, client_token)
        await self._change(contact_id, StreamsChanged(started=(stream,)))
        return stream.id

    async def stop(self, contact_id: str, streaming_id: str) -> None:
        """What is on its way arrives still. Raises CallerError."""
        if streaming_id not in [each.id for each in self._of(contact_id)]:
            raise refusals.no_resource(f"The stream {streaming_id}")
        await self._change(contact_id, StreamsChanged(stopped=(streaming_id,)))

    # Inside

    def _of(self, contact_id: str) -> tuple[Stream, ...]:
        contact = self._flows.contact(contact_id)
        if contact is None or contact.chat is None or contact.ended is not None:
            raise refusals.no_resource(f"The open chat {contact_id}")
        return contact.chat.streams

    async def _change(self, contact_id: str, change: StreamsChanged) -> None:
        if not await self._flows.tell(contact_id, change):
            raise refusals.no_resource(f"The open chat {contact_id}")

    def _ready(self) -> None:
        self._more = True
        self._pump()

    def _pump(self) -> None:
        room = _HELD - self._held
        if not self._more or room <= 0 or self._end_watch is None:
            return
        items = self._store.lease(streams.QUEUE, room)
        self._more = len(items) == room
        self._held += len(items)
        for item in items:
            stream_id = item.id.partition("/")[0]
            if stream_id in self._waiting:
                self._waiting[stream_id].append(item)
            else:
                self._waiting[stream_id] = deque([item])
                self._tasks.spawn(self._send_all(stream_id), f"stream {stream_id}")

    async def _send_all(self, stream_id: str) -> None:
        waiting = self._waiting[stream_id]
        try:
            while waiting:
                await self._send(waiting[0])
                waiting.popleft()
                self._held -= 1
        finally:
            del self._waiting[stream_id]
        self._pump()

    async def _send(self, item: WorkItem) -> None:
        message = streams.read(item.body)
        pause = self._limits.stream_base_seconds
        while (problem := await self._publish(message)) is not None:
            now = self._clock.now()
            passing = problem.status >= 500 or problem.status == 429 or "Throttl" in problem.code
            if not passing or now + pause > message.made_at + self._limits.stream_seconds:
                text = "chat %s: the topic %s is not told of an item: %s"
                _log.warning(text, message.contact_id, message.stream.topic_arn, problem)
                break
            await sleep(self._clock, pause, f"stream {message.stream.id}")
            pause = min(pause * 2, self._limits.stream_most_seconds)
        await self._done(item)

    async def _done(self, item: WorkItem) -> None:
        """Leases last as long as the process, so it is tried until the store can."""
        while True:
            try:
                await self._store.commit([Done(item.queue, item.id)])
                return
            except StoreFailure as error:
                _log.warning("what a topic was told stays in the store for now: %s", error)
                await sleep(self._clock, self._limits.stream_base_seconds, f"stream {item.id}")

    async def _publish(self, message: streams.Message) -> CallerError | None:
        try:
            await self._upstreams.call("sns", "Publish", streams.publication(message))
        except CallerError as error:
            return error
        return None
