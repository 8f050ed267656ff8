"""The operations on messages: translate, check sizes and batches, call the service.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html and its kin.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote

from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Call, OperationTable
from callpark.queues import refusals, submissions
from callpark.queues.api import batches
from callpark.queues.api.parameters import number, text, texts, url, within
from callpark.queues.api.shapes import message_members, sent_members
from callpark.queues.model import Queue, Submission
from callpark.queues.service import Queues

_log = logging.getLogger("callpark")

_TRACE_CHARACTERS = 2_048
"""Our rule: a header that is longer is cut. It does not count as part of the message."""


class MessageOperations:
    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._limits = queues.limits
        self._warned = False

    def table(self) -> OperationTable:
        return {
            ("sqs", "SendMessage"): self.send,
            ("sqs", "SendMessageBatch"): self.send_batch,
            ("sqs", "ReceiveMessage"): self.receive,
            ("sqs", "DeleteMessage"): self.delete,
            ("sqs", "DeleteMessageBatch"): self.delete_batch,
            ("sqs", "ChangeMessageVisibility"): self.change_visibility,
            ("sqs", "ChangeMessageVisibilityBatch"): self.change_visibility_batch,
        }

    async def send(self, call: Call) -> Mapping[str, object]:
        queue = self._queues.at(url(call))
        submission = submissions.read(call.parameters, queue, self._limits)
        longest = queue.settings.maximum_bytes
        if submissions.size(submission) > longest:
            raise refusals.message_too_long(longest)
        (sent,) = await self._queues.send(queue, (_traced(submission, call),))
        return sent_members(submission, sent)

    async def send_batch(self, call: Call) -> Mapping[str, object]:
        """A message that is too long fails alone; all together too long, or not fit for a FIFO queue, fail all."""
        queue = self._queues.at(url(call))
        entries = batches.entries(call.parameters, "SendMessageBatchRequestEntry", self._limits)
        accepted, failures = self._read_batch(queue, entries)
        if not accepted:
            return batches.answer((), failures)
        sent = await self._queues.send(queue, [_traced(submission, call) for _, submission in accepted])
        successful = [
            {"Id": str(entry["Id"]), **sent_members(submission, one)}
            for (entry, submission), one in zip(accepted, sent, strict=True)
        ]
        return batches.answer(successful, failures)

    async def receive(self, call: Call) -> Mapping[str, object]:
        queue, parameters, limits = self._queues.at(url(call)), call.parameters, self._limits
        most = limits.receive_messages
        count = within(parameters, "MaxNumberOfMessages", 1, most, f"Must be between 1 and {most}, if provided.")
        longest = limits.wait_seconds
        wait = within(parameters, "WaitTimeSeconds", 0, longest, f"Must be >= 0 and <= {longest}, if provided.")
        longest = limits.visibility_seconds
        visibility = within(parameters, "VisibilityTimeout", 0, longest, f"Must be >= 0 and <= {longest}, if provided.")
        if parameters.get("ReceiveRequestAttemptId") and not self._warned:
            self._warned = True
            _log.warning("queue %s: ReceiveRequestAttemptId changes nothing here", queue.name)
        found = await self._queues.receive(queue, count or 1, wait, visibility, call.client_gone)
        if not found:
            return {}
        system = texts(parameters, "MessageSystemAttributeNames") + texts(parameters, "AttributeNames")
        named = texts(parameters, "MessageAttributeNames")
        return {"Messages": [message_members(received, system, named) for received in found]}

    async def delete(self, call: Call) -> Mapping[str, object]:
        queue = self._queues.at(url(call))
        (refusal,) = await self._queues.delete(queue, (text(call.parameters, "ReceiptHandle"),))
        if refusal is not None:
            raise refusal
        return {}

    async def delete_batch(self, call: Call) -> Mapping[str, object]:
        queue = self._queues.at(url(call))
        entries = batches.entries(call.parameters, "DeleteMessageBatchRequestEntry", self._limits)
        outcomes = await self._queues.delete(queue, [str(entry.get("ReceiptHandle") or "") for entry in entries])
        pairs = list(zip(entries, outcomes, strict=True))
        return batches.answer(
            [{"Id": str(entry["Id"])} for entry, refusal in pairs if refusal is None],
            [batches.failed(entry, refusal) for entry, refusal in pairs if refusal is not None],
        )

    async def change_visibility(self, call: Call) -> Mapping[str, object]:
        await self._change(self._queues.at(url(call)), call.parameters)
        return {}

    async def change_visibility_batch(self, call: Call) -> Mapping[str, object]:
        queue = self._queues.at(url(call))
        entries = batches.entries(call.parameters, "ChangeMessageVisibilityBatchRequestEntry", self._limits)
        outcomes = await asyncio.gather(*(self._try_change(queue, entry) for entry in entries))
        pairs = list(zip(entries, outcomes, strict=True))
        return batches.answer(
            [{"Id": str(entry["Id"])} for entry, refusal in pairs if refusal is None],
            [batches.failed(entry, refusal) for entry, refusal in pairs if refusal is not None],
        )

    def _read_batch(
        self, queue: Queue, entries: Sequence[batches.Entry]
    ) -> tuple[list[tuple[batches.Entry, Submission]], list[dict[str, object]]]:
        accepted, failures = list[tuple[batches.Entry, Submission]](), list[dict[str, object]]()
        total, longest = 0, queue.settings.maximum_bytes
        for entry in entries:
            try:
                submission = submissions.read(entry, queue, self._limits)
            except CallerError as refusal:
                if queue.fifo and not entry.get("MessageGroupId"):  # recorded: the whole batch, under another code
                    raise refusals.invalid_parameter(refusal.message) from None
                if queue.fifo and not (
                    entry.get("MessageDeduplicationId") or queue.settings.content_based_deduplication
                ):
                    raise
                failures.append(batches.failed(entry, refusal))
                continue
            size = submissions.size(submission)
            total += size
            if size > longest:
                text = refusals.SIZE_IN_BATCH.format(limit=longest)
                failures.append(batches.failed(entry, refusals.invalid_parameter(text)))
            else:
                accepted.append((entry, submission))
        if total > self._limits.batch_bytes:
            raise refusals.batch_too_long(self._limits.batch_bytes, total)
        return accepted, failures

    async def _try_change(self, queue: Queue, entry: batches.Entry) -> CallerError | None:
        try:
            await self._change(queue, entry)
        except CallerError as refusal:
            return refusal
        return None

    async def _change(self, queue: Queue, members: Mapping[str, object]) -> None:
        handle, seconds = text(members, "ReceiptHandle"), number(members, "VisibilityTimeout")
        if seconds is None:
            raise refusals.missing("VisibilityTimeout")
        await self._queues.change_visibility(queue, handle, seconds)


def _traced(submission: Submission, call: Call) -> Submission:
    """SDKs inside functions send the trace of their run as a header; the message takes it along, as AWS does, unless it
    brings one of its own."""
    header = call.headers.get("x-amzn-trace-id")
    if submission.trace_header is not None or header is None or "Root=" not in header:
        return submission
    return replace(submission, trace_header=unquote(header)[:_TRACE_CHARACTERS])
