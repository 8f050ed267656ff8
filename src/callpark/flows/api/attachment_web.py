"""`/_callpark/attachments/<token>`: where files of chats are put and fetched, in S3's place. A mount of the gateway.

The token in the URL is all that is asked for, as with a presigned URL; an upload brings the headers that
StartAttachmentUpload named, and refusals are S3's. Pages of any origin may do both.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/PresignedUrlUploadObject.html
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from callpark.flows.api.addresses import base_url
from callpark.flows.chat.attachments import Attachment, Attachments
from callpark.kernel.arn import Arn
from callpark.kernel.asgi import BodyTooLarge, ClientGone, Receive, Scope, Send, header, path, read_body, respond

PATH: Final = "/_callpark/attachments/"

_ORIGIN = (b"access-control-allow-origin", b"*")


def url(headers: Mapping[str, str], token: str, *, inline: bool = False) -> str:
    """For a client that sent these headers."""
    return f"{base_url(headers, 'http')}{PATH}{token}{'/inline' if inline else ''}"


def headers_to_include(one: Attachment, initial_contact_id: str, instance_arn: str) -> Mapping[str, str]:
    """What the client sends along with its file."""
    arn = Arn.parse(instance_arn)
    return {
        "Content-Type": one.content_type,
        "Content-Length": str(one.size),
        "Content-Disposition": _disposition("attachment", one.name),
        "x-amz-acl": "bucket-owner-full-control",
        "x-amz-meta-contact_id": one.contact_id,
        "x-amz-meta-initial_contact_id": initial_contact_id,
        "x-amz-meta-account_id": "" if arn is None else arn.account,
        "x-amz-meta-organization_id": instance_arn.rsplit("/", 1)[-1],
    }


class AttachmentWeb:
    def __init__(self, attachments: Attachments) -> None:
        self._attachments = attachments

    def matches(self, scope: Scope) -> bool:
        return scope["type"] == "http" and path(scope).startswith(PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token, _, form = path(scope).removeprefix(PATH).partition("/")
        match scope["method"]:
            case "OPTIONS":
                wanted = header(scope, b"access-control-request-headers") or b"content-type"
                allowed = (b"access-control-allow-methods", b"GET,PUT"), (b"access-control-allow-headers", wanted)
                await respond(send, 204, b"", (_ORIGIN, *allowed))
            case "PUT":
                await self._put(token, scope, receive, send)
            case "GET" | "HEAD":
                await self._get(token, "inline" if form == "inline" else "attachment", scope["method"], send)
            case _:
                await _refuse(send, 405, "MethodNotAllowed", "The specified method is not allowed here.")

    async def _put(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        one = await self._attachments.opened(token, "upload")
        if one is None:
            await _refuse(send, 403, "AccessDenied", "The URL is not valid, or it has expired.")
            return
        if (wrong := _wrong_header(scope, one)) is not None:
            text = f"The request's {wrong} is not the one in HeadersToInclude of StartAttachmentUpload."
            await _refuse(send, 403, "SignatureDoesNotMatch", text)
            return
        length = header(scope, b"content-length")
        try:
            data = await read_body(receive, None if length is None else length.decode("latin-1"), one.size)
        except BodyTooLarge:
            await _refuse(send, 400, "EntityTooLarge", f"The file has more than the {one.size} bytes announced.")
            return
        except ClientGone:
            return
        if len(data) != one.size:
            await _refuse(send, 400, "IncompleteBody", f"The file has {len(data)} bytes, not the {one.size} announced.")
            return
        digest = await self._attachments.take(one, data)
        await respond(send, 200, b"", (_ORIGIN, (b"etag", f'"{digest}"'.encode())))

    async def _get(self, token: str, form: str, method: str, send: Send) -> None:
        one = await self._attachments.opened(token, "download")
        if one is None:
            await _refuse(send, 403, "AccessDenied", "The URL is not valid, or it has expired.")
            return
        data = await self._attachments.content(one)
        if data is None:
            await _refuse(send, 404, "NoSuchKey", "The specified key does not exist.")
            return
        headers = (
            _ORIGIN,
            (b"content-type", one.content_type.encode("latin-1", "replace")),
            (b"content-disposition", _disposition(form, one.name).encode("latin-1", "replace")),
            (b"x-content-type-options", b"nosniff"),
            (b"content-security-policy", b"sandbox"),
            (b"cache-control", b"private, no-store"),
        )
        await respond(send, 200, data, headers, method)


def _wrong_header(scope: Scope, one: Attachment) -> str | None:
    """The name of a header that an upload lacks, or has otherwise; lengths are looked at with the body."""
    for name, value in (("content-type", one.content_type), ("x-amz-meta-contact_id", one.contact_id)):
        sent = header(scope, name.encode())
        if sent is None or sent.decode("latin-1") != value:
            return name
    return None


def _disposition(form: str, name: str) -> str:
    """RFC 6266: other than ASCII letters only in the extended form."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name)}"
    return f'{form}; filename="{plain}"{extended}'


async def _refuse(send: Send, status: int, code: str, message: str) -> None:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    await respond(send, status, body.encode(), (_ORIGIN, (b"content-type", b"application/xml")))
