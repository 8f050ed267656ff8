"""The participant service's operations on attachments. The files themselves go through `attachment_web.py`.

https://docs.aws.amazon.com/connect/latest/APIReference/API_connect-participant_StartAttachmentUpload.html
"""

from collections.abc import Mapping

from callpark.flows.api.attachment_web import headers_to_include
from callpark.flows.api.attachment_web import url as file_url
from callpark.flows.api.reading import number, text, texts
from callpark.flows.chat.attachments import Attachments
from callpark.flows.chat.service import Chats
from callpark.flows.logs import timestamp
from callpark.kernel.operations import Call, OperationTable


class AttachmentOperations:
    def __init__(self, chats: Chats, attachments: Attachments) -> None:
        self._chats = chats
        self._attachments = attachments

    def table(self) -> OperationTable:
        return {
            ("connectparticipant", "StartAttachmentUpload"): self.start,
            ("connectparticipant", "CompleteAttachmentUpload"): self.complete,
            ("connectparticipant", "GetAttachment"): self.get,
        }

    async def start(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        seat = self._chats.seat(text(parameters, "ConnectionToken"))
        seat.room.connect(seat.participant)
        one, token = await self._attachments.offer(
            seat,
            text(parameters, "AttachmentName"),
            text(parameters, "ContentType"),
            number(parameters, "AttachmentSizeInBytes") or 0,
            text(parameters, "ClientToken"),
        )
        expires = self._chats.clock.now() + self._chats.limits.chat_upload_seconds
        initial = seat.contact.party.initial_contact_id or seat.contact.id
        return {
            "AttachmentId": one.id,
            "UploadMetadata": {
                "Url": file_url(call.headers, token),
                "UrlExpiry": timestamp(expires),
                "HeadersToInclude": headers_to_include(one, initial, seat.contact.party.instance_arn),
            },
        }

    async def complete(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        seat = self._chats.seat(text(parameters, "ConnectionToken"))
        for attachment_id in texts(parameters, "AttachmentIds"):
            await self._attachments.attach(seat, attachment_id, text(parameters, "ClientToken"))
        return {}

    async def get(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        one, token, expires = await self._attachments.download(
            text(parameters, "ConnectionToken"),
            text(parameters, "AttachmentId"),
            number(parameters, "UrlExpiryInSeconds"),
        )
        inline = text(parameters, "UrlContentDisposition") == "INLINE"
        return {
            "Url": file_url(call.headers, token, inline=inline),
            "UrlExpiry": timestamp(expires),
            "AttachmentSizeInBytes": one.size,
        }
