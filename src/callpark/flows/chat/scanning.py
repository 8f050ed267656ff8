"""Scanning of attachments: a function that the instance is associated with (FILE_SCANNER) approves each file, or not.

Called by `attachments.py`. The function is told of the file as AWS tells it, and the file lies where it is told, in a
bucket of whoever serves S3; with nobody there, the function hears of a file that it cannot fetch (one warning).

https://docs.aws.amazon.com/connect/latest/adminguide/setup-attachment-scanning.html
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from callpark.flows.events import FunctionAnswer
from callpark.flows.ports import FunctionRunner, Upstreams
from callpark.kernel.clock import Clock
from callpark.kernel.deadline import Deadline
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.ids import Ids
from callpark.kernel.limits import ConnectLimits

_log = logging.getLogger("callpark")

#: What a bucket that is there already answers.
_THERE: Final = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")


class ScannedFile(msgspec.Struct, frozen=True):
    """`made_at`: epoch seconds."""

    id: str
    name: str
    size: int
    made_at: float


class Scanner:
    """`function`: the ARN of the function that scans, None when no one does. `instance_arn`: who asks it."""

    def __init__(
        self,
        *,
        functions: FunctionRunner,
        upstreams: Upstreams,
        clock: Clock,
        ids: Ids,
        limits: ConnectLimits,
        function: Callable[[], str | None],
        instance_arn: Callable[[], str],
    ) -> None:
        self._functions = functions
        self._upstreams = upstreams
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self.function = function
        self._instance_arn = instance_arn
        self._warned: set[str] = set()

    async def approves(self, file: ScannedFile, content: bytes) -> bool:
        """A function that fails, or takes too long in all, has not approved."""
        function = self.function()
        if function is None:
            return True
        bucket, key = self._place(file)
        await self._put(bucket, key, content)
        try:
            async with Deadline(self._clock, self._limits.scanner_seconds, f"scan of {file.id}"):
                answer = await self._ask(function, self._request(file, bucket, key))
        except TimeoutError:
            self._warn(f"{function} took more than {self._limits.scanner_seconds:g} s to scan {file.name}: rejected")
            return False
        finally:
            await self._remove(bucket, key)
        return answer

    async def _ask(self, function: str, request: bytes) -> bool:
        for _ in range(self._limits.scanner_attempts):
            answer = await self._run(function, request)
            if not answer.failed:
                return self._verdict(function, answer.payload)
            self._warn(f"{function}, which scans attachments, failed: {answer.message}")
        return False

    async def _run(self, function: str, request: bytes) -> FunctionAnswer:
        refusal = self._functions.refusal(function)
        if refusal is not None:
            return FunctionAnswer(b"", failed=True, message=refusal)
        try:
            return await self._functions.run(function, request, self._ids.uuid())
        except (CallerError, ProjectError) as error:
            return FunctionAnswer(b"", failed=True, message=str(error))

    def _verdict(self, function: str, payload: bytes) -> bool:
        try:
            answer = msgspec.json.decode(payload or b"null")
        except msgspec.DecodeError:
            answer = None
        status = answer.get("Status") if isinstance(answer, dict) else None
        if status not in ("APPROVED", "REJECTED"):
            self._warn(f'{function}, which scans attachments, answers neither {{"Status": "APPROVED"}} nor REJECTED')
        return status == "APPROVED"

    def _place(self, file: ScannedFile) -> tuple[str, str]:
        """Bucket and key, spelled as AWS spells them."""
        at = datetime.fromtimestamp(file.made_at, UTC)
        extension = file.name.rpartition(".")[2]
        name = f"{file.id}_{at:%Y%m%dT%H:%M}_UTC.{extension}"
        return "callpark-connect", f"connect/callpark/Attachments/chat/{at:%Y/%m/%d}/{name}"

    def _request(self, file: ScannedFile, bucket: str, key: str) -> bytes:
        request: Mapping[str, object] = {
            "Version": "1.0",
            "InstanceId": self._instance_arn().rsplit("/", 1)[-1],
            "File": {
                "FileId": file.id,
                "FileCreationTime": round(file.made_at * 1000),
                "FileName": file.name,
                "FileSizeInBytes": file.size,
                "FileLocation": {"S3Location": {"Key": key, "Bucket": bucket, "Arn": f"arn:aws:s3:::{bucket}/{key}"}},
            },
        }
        return msgspec.json.encode(request)

    async def _put(self, bucket: str, key: str, content: bytes) -> None:
        remedy = self._upstreams.remedy("s3")
        if remedy is not None:
            self._warn(f"attachments are scanned without lying in a bucket, because nobody serves s3 here: {remedy}")
            return
        try:
            await self._upstreams.call("s3", "CreateBucket", {"Bucket": bucket})
        except CallerError as error:
            if error.code not in _THERE:
                self._warn(f"the bucket {bucket} for attachments to be scanned: {error}")
        try:
            await self._upstreams.call("s3", "PutObject", {"Bucket": bucket, "Key": key, "Body": content})
        except CallerError as error:
            self._warn(f"an attachment to be scanned could not be put into {bucket}: {error}")

    async def _remove(self, bucket: str, key: str) -> None:
        if self._upstreams.remedy("s3") is None:
            try:
                await self._upstreams.call("s3", "DeleteObject", {"Bucket": bucket, "Key": key})
            except CallerError as error:
                self._warn(f"an attachment that was scanned stays in {bucket}: {error}")

    def _warn(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            _log.warning("%s", message)
