"""Files of chats: offered, uploaded to a URL of ours, attached to the chat, perhaps scanned, downloaded.

Called by `api/attachment_operations.py` and `api/attachment_web.py`. What is offered is a row (table
`contacts/attachments`), what is uploaded a blob that begins with the attachment's id, so that no two share one. Both
go with their contact; those of the oldest ended contacts go first when there are too many
(`connect.kept_attachment_bytes`).

    OFFERED ── PUT ──▶ UPLOADED ── CompleteAttachmentUpload ──▶ APPROVED
                                              └── with a scanner ──▶ IN_PROGRESS ──▶ APPROVED | REJECTED

https://docs.aws.amazon.com/connect/latest/adminguide/enable-attachments.html
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from callpark.flows import custody, records
from callpark.flows.chat import refusals
from callpark.flows.chat.file_types import problem_of_type
from callpark.flows.chat.model import Draft, File, FileStatus
from callpark.flows.chat.scanning import ScannedFile, Scanner
from callpark.flows.chat.service import Chats, Seat
from callpark.flows.chat.tokens import Claim
from callpark.flows.control.model import FileRule
from callpark.flows.service import Flows
from callpark.kernel.tasks import Tasks
from callpark.store.ports import DeleteRow, SetRow, Store

_log = logging.getLogger("callpark")

TABLE: Final = "contacts/attachments"

State: TypeAlias = Literal["OFFERED", "UPLOADED", "IN_PROGRESS", "APPROVED", "REJECTED"]


class Attachment(msgspec.Struct, frozen=True, omit_defaults=True):
    """`author`: the participant's id. `made_at`: epoch seconds. `token`: ClientToken of the request that offered it,
    `completed`: of the one that attached it."""

    id: str
    contact_id: str
    author: str
    name: str
    content_type: str
    size: int
    made_at: float
    token: str
    state: State = "OFFERED"
    digest: str = ""
    completed: str = ""

    def file(self, status: FileStatus) -> File:
        return File(self.id, self.name, self.content_type, status)


_encode = msgspec.msgpack.Encoder().encode
_decode: msgspec.msgpack.Decoder[Attachment] = msgspec.msgpack.Decoder(Attachment)


class Attachments:
    """Order of life: `start` after `Flows.start`, then whatever else, `close`. `rule`: which files may be attached."""

    def __init__(
        self, chats: Chats, flows: Flows, store: Store, scanner: Scanner, rule: Callable[[], FileRule]
    ) -> None:
        self._chats = chats
        self._flows = flows
        self._store = store
        self._scanner = scanner
        self._rule = rule
        self._limits = chats.limits
        self._clock = chats.clock
        self._known: dict[str, Attachment] = {}
        self._of: dict[str, list[str]] = {}
        self._scanning: set[str] = set()
        self._tasks = Tasks("attachments")
        flows.records.on_forgotten(self._forget)

    async def start(self) -> None:
        """Take up the files of contacts that are known here, and go on scanning; those of contacts that nobody has any
        more go."""
        for one in await self._read(""):
            if self._flows.contact(one.contact_id) is not None:
                self._take_up(one)
            elif not await self._is_kept(one.contact_id):
                await self._remove([one])

    async def close(self) -> None:
        await self._tasks.aclose()

    # What participants do

    async def offer(self, seat: Seat, name: str, content_type: str, size: int, token: str) -> tuple[Attachment, str]:
        """The attachment, durable, and the token of its upload. Raises CallerError."""
        known = await self._files(seat.contact.id)
        same = next((one for one in known if one.author == seat.participant.id and one.token == token), None)
        if same is None:
            rule = self._rule()
            if problem := problem_of_type(name, content_type, rule.extensions):
                raise refusals.invalid(problem)
            most = rule.most or self._limits.chat_attachment_bytes
            if size > most:
                raise refusals.invalid(f"AttachmentSizeInBytes is {size}; a file has {most} bytes at most")
            if len(known) >= self._limits.chat_attachments:
                raise refusals.quota_exceeded(f"A chat has {self._limits.chat_attachments} attachments at most")
            same = Attachment(
                id=self._chats.ids.uuid(),
                contact_id=seat.contact.id,
                author=seat.participant.id,
                name=name,
                content_type=content_type,
                size=size,
                made_at=self._clock.now(),
                token=token,
            )
            self._remember(same)
            await self._save(same)
        expires = self._clock.now() + self._limits.chat_upload_seconds
        return same, self._chats.tokens.mint(Claim("upload", same.contact_id, same.author, expires, same.id))

    async def opened(self, token: str, purpose: Literal["upload", "download"]) -> Attachment | None:
        """What a URL is good for; None when it is not, or not any more."""
        claim = self._chats.tokens.read(token, purpose, self._clock.now())
        return None if claim is None else await self._find([claim.contact_id], claim.file_id)

    async def take(self, one: Attachment, data: bytes) -> str:
        """The upload; returns its digest when it is durable. A second one before it is attached replaces the first."""
        digest = await self._store.put_blob(one.id.encode() + data)
        current = self._known.get(one.id)
        if current is None or current.state not in ("OFFERED", "UPLOADED"):
            if current is None or current.digest != digest:
                await self._store.delete_blob(digest)
            return digest
        await self._save(msgspec.structs.replace(current, state="UPLOADED", digest=digest))
        if current.digest not in ("", digest):
            await self._store.delete_blob(current.digest)
        await self._make_room()
        return digest

    async def attach(self, seat: Seat, attachment_id: str, token: str) -> None:
        """Returns when it is in the transcript, durably. The same token attaches it once. Raises CallerError."""
        one = await self._find([seat.contact.id], attachment_id)
        if one is None or one.author != seat.participant.id:
            raise refusals.access_denied()
        if one.completed not in ("", token):
            raise refusals.conflict(f"The attachment {one.id} has been completed already")
        if one.state == "OFFERED":
            raise refusals.conflict(f"The attachment {one.id} has not been uploaded")
        scanned = self._scanner.function() is not None
        if not one.completed:
            one = msgspec.structs.replace(one, state="IN_PROGRESS" if scanned else "APPROVED", completed=token)
            await self._save(one)
        status: FileStatus = "IN_PROGRESS" if one.state == "IN_PROGRESS" else "APPROVED"
        await seat.room.send(Draft(self._chats.ids.uuid(), seat.participant, "", "", token, one.file(status)))
        if one.state == "IN_PROGRESS":
            self._begin_scan(one)

    async def download(
        self, connection_token: str, attachment_id: str, seconds: int | None
    ) -> tuple[Attachment, str, float]:
        """A file of the chat, or of one that it goes on from: the token of its download and when that expires. Raises
        CallerError."""
        one = await self._find(self._chats.readable(connection_token), attachment_id)
        if one is None:
            raise refusals.access_denied()
        if one.state != "APPROVED":
            raise refusals.invalid(f"The attachment {one.id} is {one.state}, not APPROVED")
        expires = self._clock.now() + (seconds or self._limits.chat_download_seconds)
        return one, self._chats.tokens.mint(Claim("download", one.contact_id, "", expires, one.id)), expires

    async def content(self, one: Attachment) -> bytes | None:
        blob = await self._store.get_blob(one.digest)
        return None if blob is None else blob[len(one.id) :]

    # Inside

    def _begin_scan(self, one: Attachment) -> None:
        """Once, however often its upload is completed."""
        if one.id not in self._scanning:
            self._scanning.add(one.id)
            self._tasks.spawn(self._scan(one), f"scan of {one.id}")

    async def _scan(self, one: Attachment) -> None:
        """A scanner that fails has not approved."""
        content = await self.content(one)
        status: FileStatus = "REJECTED"
        if content is not None and await self._scanner.approves(
            ScannedFile(one.id, one.name, one.size, one.made_at), content
        ):
            status = "APPROVED"
        current = self._known.get(one.id)
        if current is None or current.state != "IN_PROGRESS":
            return
        self._scanning.discard(one.id)
        judged = msgspec.structs.replace(current, state=status)
        self._known[one.id] = judged
        await self._chats.judge(one.contact_id, one.file(status), SetRow(TABLE, _key(judged), _encode(judged)))
        if status == "REJECTED":
            await self._store.delete_blob(one.digest)

    async def _find(self, contact_ids: Sequence[str], attachment_id: str) -> Attachment | None:
        """An attachment of one of these contacts."""
        for contact_id in contact_ids:
            for one in await self._files(contact_id):
                if one.id == attachment_id:
                    return one
        return None

    async def _files(self, contact_id: str) -> list[Attachment]:
        """A contact's, also of one that another node had before."""
        if contact_id not in self._of:
            for one in await self._read(contact_id):
                if one.id not in self._known:
                    self._take_up(one)
        return [self._known[each] for each in self._of.get(contact_id, ())]

    async def _read(self, contact_id: str) -> list[Attachment]:
        """What is on disk of a contact, "" of all."""
        found: list[Attachment] = []
        for row in await self._store.scan(TABLE, f"{contact_id}/" if contact_id else ""):
            try:
                found.append(_decode.decode(row.value))
            except msgspec.ValidationError as error:
                _log.warning("the attachment %s was kept by another version and is left out: %s", row.key, error)
        return found

    async def _is_kept(self, contact_id: str) -> bool:
        """Whether anybody has the contact, open or ended."""
        open_row = await self._store.get(custody.TABLE, contact_id)
        return open_row is not None or await self._store.get(records.TABLE, contact_id) is not None

    def _take_up(self, one: Attachment) -> None:
        self._remember(one)
        if one.state == "IN_PROGRESS":
            self._begin_scan(one)

    def _remember(self, one: Attachment) -> None:
        self._known[one.id] = one
        self._of.setdefault(one.contact_id, []).append(one.id)

    async def _save(self, one: Attachment) -> None:
        self._known[one.id] = one
        await self._store.commit([SetRow(TABLE, _key(one), _encode(one))])

    def _forget(self, contact_ids: Sequence[str]) -> None:
        """These contacts are not kept any longer."""
        gone = [self._known[each] for contact_id in contact_ids for each in self._of.get(contact_id, ())]
        if gone:
            self._tasks.spawn(self._remove(gone), "files of contacts that are not kept")

    async def _make_room(self) -> None:
        """Files of the oldest ended contacts go."""
        kept = [one for one in self._known.values() if one.digest and one.state != "REJECTED"]
        excess = sum(one.size for one in kept) - self._limits.kept_attachment_bytes
        gone: list[Attachment] = []
        for one in sorted(kept, key=lambda one: one.made_at):
            if excess <= 0:
                break
            contact = self._flows.contact(one.contact_id)
            if contact is None or contact.ended is not None:
                gone.append(one)
                excess -= one.size
        await self._remove(gone)
        if excess > 0:
            _log.warning("attachments of open chats take %d bytes more than connect.kept_attachment_bytes", excess)

    async def _remove(self, gone: Sequence[Attachment]) -> None:
        for one in gone:
            self._known.pop(one.id, None)
            others = [each for each in self._of.pop(one.contact_id, ()) if each != one.id]
            if others:
                self._of[one.contact_id] = others
        await self._store.commit([DeleteRow(TABLE, _key(one)) for one in gone])
        for one in gone:
            if one.digest:
                await self._store.delete_blob(one.digest)


def _key(one: Attachment) -> str:
    return f"{one.contact_id}/{one.id}"
