"""Files of chats, over real sockets: offered, put to their URL, attached, seen by everybody, fetched, gone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from callpark.app import App
from callpark.flows.chat import attachments
from callpark.flows.control.model import FileRule
from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import Limits
from tests.flows.building import hang_up, say
from tests.flows.chat.chatting import ECHO, Client, Listener, chat_server, ended

pytestmark = pytest.mark.process

PHOTO = b"\x89PNG" + bytes(range(256)) * 40


class Sender:
    """A customer who is connected and sends files."""

    def __init__(self, app: App, http: httpx.AsyncClient) -> None:
        self.client = Client(app)
        self.http = http
        self.begun: dict[str, Any] = {}
        self.connection: dict[str, Any] = {}

    async def connected(self) -> "Sender":
        self.begun = await self.client.start()
        self.connection = await self.client.connection(self.begun["ParticipantToken"])
        return self

    @property
    def token(self) -> str:
        return str(self.connection["ConnectionCredentials"]["ConnectionToken"])

    async def offer(self, name: str = "photo.png", content_type: str = "image/png", **more: Any) -> dict[str, Any]:
        wanted = {"AttachmentName": name, "ContentType": content_type, "AttachmentSizeInBytes": len(PHOTO)}
        given = {"ClientToken": f"offer {name}", "ConnectionToken": self.token, **wanted, **more}
        return await self.client.participant("start_attachment_upload", **given)

    async def put(
        self, offered: Mapping[str, Any], content: bytes = PHOTO, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        upload = offered["UploadMetadata"]
        return await self.http.put(
            upload["Url"], content=content, headers={**upload["HeadersToInclude"], **(headers or {})}
        )

    async def complete(self, offered: Mapping[str, Any], token: str = "complete", **more: Any) -> None:
        given = {"AttachmentIds": [offered["AttachmentId"]], "ClientToken": token, "ConnectionToken": self.token}
        await self.client.participant("complete_attachment_upload", **{**given, **more})

    async def send(self, name: str = "photo.png") -> str:
        offered = await self.offer(name)
        assert (await self.put(offered)).status_code == 200
        await self.complete(offered, name)
        return str(offered["AttachmentId"])

    async def fetch(self, attachment_id: str, **more: Any) -> httpx.Response:
        given = {"AttachmentId": attachment_id, "ConnectionToken": self.token, **more}
        found = await self.client.participant("get_attachment", **given)
        assert found["AttachmentSizeInBytes"] == len(PHOTO)
        return await self.http.get(found["Url"])


@pytest.fixture
async def http() -> Any:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        yield http


async def test_a_file_is_sent_seen_and_fetched(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with chat_server(tmp_path, *ECHO) as app:
        sender = await Sender(app, http).connected()
        async with Listener.at(sender.connection["Websocket"]["Url"]) as listener:
            await listener.until("Hello.")
            offered = await sender.offer("Foto ä.png")
            assert await sender.offer("Foto ä.png") | {"UploadMetadata": 0} == offered | {"UploadMetadata": 0}
            answer = await sender.put(offered)
            assert (answer.status_code, answer.content) == (200, b"")
            await sender.complete(offered)
            await sender.complete(offered)
            item = await listener.item()
            assert item["Type"] == "ATTACHMENT"
            assert "ContentType" not in item
            assert item["ParticipantRole"] == "CUSTOMER"
            assert item["Attachments"] == [
                {
                    "ContentType": "image/png",
                    "AttachmentId": offered["AttachmentId"],
                    "AttachmentName": "Foto ä.png",
                    "Status": "APPROVED",
                }
            ]
            await listener.until("Answer.")  # a file is a customer who has returned
        kept = [each for each in await sender.client.transcript(sender.token) if each["Type"] == "ATTACHMENT"]
        assert [each["Attachments"] for each in kept] == [item["Attachments"]]
        fetched = await sender.fetch(offered["AttachmentId"])
        assert fetched.content == PHOTO
        assert fetched.headers["content-type"] == "image/png"
        assert fetched.headers["content-disposition"] == (
            "attachment; filename=\"Foto _.png\"; filename*=UTF-8''Foto%20%C3%A4.png"
        )
        inline = await sender.fetch(offered["AttachmentId"], UrlContentDisposition="INLINE")
        assert inline.headers["content-disposition"].startswith("inline;")


async def test_a_restart_keeps_files_and_a_later_chat_shows_them(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with chat_server(tmp_path, *ECHO) as app:
        sender = await Sender(app, http).connected()
        sent = await sender.send()
        half = await sender.offer("later.png")
        assert (await sender.put(half)).status_code == 200
        contact_id, token = sender.begun["ContactId"], sender.token
    async with chat_server(tmp_path, *ECHO) as app:
        after = Sender(app, http)
        after.connection = {"ConnectionCredentials": {"ConnectionToken": token}}
        await after.complete(half)
        assert (await after.fetch(sent)).content == PHOTO
        assert (await after.fetch(half["AttachmentId"])).content == PHOTO
        await after.client.participant("disconnect_participant", ConnectionToken=token)
        assert (await after.fetch(sent)).content == PHOTO
        with pytest.raises(ClientError, match="AccessDeniedException"):
            await after.offer("too late.png")
        past = {"RehydrationType": "ENTIRE_PAST_SESSION", "SourceContactId": contact_id}
        begun = await after.client.start(PersistentChat=past)
        after.connection = await after.client.connection(begun["ParticipantToken"])
        assert (await after.fetch(sent)).content == PHOTO


async def test_uploads_that_are_not_what_was_offered(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with chat_server(tmp_path, *ECHO) as app:
        sender = await Sender(app, http).connected()
        offered = await sender.offer()
        url = offered["UploadMetadata"]["Url"]
        for content, headers, code in (
            (PHOTO[:-1], {}, "IncompleteBody"),
            (PHOTO + b"x", {}, "EntityTooLarge"),
            (PHOTO, {"Content-Type": "text/plain"}, "SignatureDoesNotMatch"),
        ):
            answer = await sender.put(offered, content, {"Content-Length": str(len(content)), **headers})
            assert code in answer.text
        assert "SignatureDoesNotMatch" in (await http.put(url, content=PHOTO)).text
        for wrong in (url[:-3], url.rsplit("/", 1)[0] + "/x", url + "é"):
            refused = await http.put(wrong, content=PHOTO, headers=offered["UploadMetadata"]["HeadersToInclude"])
            assert (refused.status_code, "AccessDenied" in refused.text) == (403, True)
        assert (await http.get(url)).status_code == 403  # an address for uploads shows nothing
        assert (await http.post(url)).status_code == 405
        with pytest.raises(ClientError, match="ConflictException"):
            await sender.complete(offered)
        assert (await sender.put(offered)).status_code == 200
        await sender.complete(offered)
        with pytest.raises(ClientError, match="ConflictException"):
            await sender.complete(offered, "another token")


async def test_files_do_not_cross_chats(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with chat_server(tmp_path, *ECHO) as app:
        ann, bob = await Sender(app, http).connected(), await Sender(app, http).connected()
        sent = await ann.send()
        offered = await ann.offer("second.png")
        await ann.put(offered)
        for attachment_id in (sent, "none"):
            with pytest.raises(ClientError, match="AccessDeniedException"):
                await bob.fetch(attachment_id)
        with pytest.raises(ClientError, match="AccessDeniedException"):
            await bob.complete(offered)
        with pytest.raises(ClientError, match="ValidationException"):
            await ann.fetch(offered["AttachmentId"])


UNFIT = (
    ({"AttachmentSizeInBytes": 20_971_521}, "ValidationException"),
    ({"AttachmentSizeInBytes": 0}, "ValidationException"),
    ({"AttachmentName": "run.exe", "ContentType": "application/x-msdownload"}, "ValidationException"),
    ({"AttachmentName": "photo", "ContentType": "image/png"}, "ValidationException"),
    ({"ContentType": "text/html"}, "ValidationException"),
    ({"AttachmentName": "../photo.png"}, "ValidationException"),
    ({"AttachmentName": 'a".png'}, "ValidationException"),
    ({"ConnectionToken": "none"}, "AccessDeniedException"),
)


async def test_what_cannot_be_offered(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with chat_server(tmp_path, *ECHO) as app:
        sender = await Sender(app, http).connected()
        for more, code in UNFIT:
            with pytest.raises(ClientError, match=code):
                await sender.offer(**more)


async def test_the_instance_has_rules_of_its_own(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with chat_server(tmp_path, *ECHO) as app:
        sender = await Sender(app, http).connected()
        client = sender.client
        described = await client.contact("describe_attached_files_configuration", AttachmentScope="CHAT")
        usual = described["AttachedFilesConfiguration"]
        assert usual["MaximumSizeLimitInBytes"] == 20_971_520
        assert {"Extension": "heic"} in usual["ExtensionConfiguration"]["AllowedExtensions"]
        await client.contact(
            "update_attached_files_configuration",
            AttachmentScope="CHAT",
            ExtensionConfiguration={"AllowedExtensions": [{"Extension": "ZIP"}, {"Extension": "txt"}]},
        )
        changed = await client.contact(
            "update_attached_files_configuration", AttachmentScope="CHAT", MaximumSizeLimitInBytes=len(PHOTO)
        )
        assert changed["ExtensionConfiguration"]["AllowedExtensions"] == [{"Extension": "zip"}, {"Extension": "txt"}]
        await sender.offer("all.zip", "application/zip")
        for more in (
            {"name": "photo.png"},
            {"name": "a.txt", "content_type": "text/html"},
            {"name": "large.zip", "content_type": "application/zip", "AttachmentSizeInBytes": len(PHOTO) + 1},
        ):
            with pytest.raises(ClientError, match="ValidationException"):
                await sender.offer(**more)
        listed = await client.contact("list_attached_files_configurations")
        configurations = listed["AttachedFilesConfigurations"]
        sizes = {each["AttachmentScope"]: each["MaximumSizeLimitInBytes"] for each in configurations}
        assert (sizes["CHAT"], sizes["EMAIL"]) == (len(PHOTO), 20_971_520)


async def test_addresses_expire_and_a_chat_has_so_many_files(
    tmp_path: Path, http: httpx.AsyncClient, clock: VirtualClock
) -> None:
    limits = Limits().override(["connect.chat_attachments=2"])
    async with chat_server(tmp_path, *ECHO, clock=clock, limits=limits) as app:
        sender = await Sender(app, http).connected()
        sent = await sender.send()
        found = await sender.client.participant(
            "get_attachment", AttachmentId=sent, ConnectionToken=sender.token, UrlExpiryInSeconds=5
        )
        offered = await sender.offer("second.png")
        with pytest.raises(ClientError, match="ServiceQuotaExceededException"):
            await sender.offer("third.png")
        await clock.advance(4)
        assert (await http.get(found["Url"])).status_code == 200
        await clock.advance(1)
        assert (await http.get(found["Url"])).status_code == 403
        await clock.advance(895)
        assert (await sender.put(offered)).status_code == 403
        assert (await sender.put(await sender.offer("second.png"))).status_code == 200


async def test_files_go_with_their_contact_and_the_oldest_when_there_are_too_many(
    tmp_path: Path, http: httpx.AsyncClient
) -> None:
    one_and_a_half = len(PHOTO) * 3 // 2
    limits = Limits().override([f"connect.kept_attachment_bytes={one_and_a_half}", "connect.kept_contacts=1"])
    async with chat_server(tmp_path, *ECHO, limits=limits) as app:
        first = await Sender(app, http).connected()
        old = await first.send()
        await first.client.participant("disconnect_participant", ConnectionToken=first.token)
        assert (await first.fetch(old)).content == PHOTO
        second = await Sender(app, http).connected()
        new = await second.send()
        with pytest.raises(ClientError, match="AccessDeniedException"):
            await first.fetch(old)
        assert (await second.fetch(new)).content == PHOTO
        await second.client.participant("disconnect_participant", ConnectionToken=second.token)
        kept = await app.store.scan(attachments.TABLE)
        third = await Sender(app, http).connected()
        await third.client.participant("disconnect_participant", ConnectionToken=third.token)
    async with chat_server(tmp_path, *ECHO, limits=limits) as app:
        assert kept
        assert not await app.store.scan(attachments.TABLE)


async def test_files_that_another_node_took_up_are_found(tmp_path: Path, http: httpx.AsyncClient) -> None:
    """Where one node had the contact before: what this one does not know is on disk."""
    async with chat_server(tmp_path, *ECHO) as app:
        sender = await Sender(app, http).connected()
        sent = await sender.send()
        offered = await sender.offer("second.png")
        forgetful = attachments.Attachments(app.chats, app.flows, app.store, app.scanner, FileRule)
        one, _, _ = await forgetful.download(sender.token, sent, None)
        assert await forgetful.content(one) == PHOTO
        url = offered["UploadMetadata"]["Url"]
        found = await forgetful.opened(url.rsplit("/", 1)[1], "upload")
        assert found is not None
        assert (found.name, found.state) == ("second.png", "OFFERED")
        await forgetful.close()


async def test_a_page_of_another_site_sends_a_file(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with chat_server(tmp_path, say("hello", "Hello.", "bye"), hang_up()) as app:
        sender = Sender(app, http)
        begun = await sender.client.start()
        connection = await sender.client.connection(begun["ParticipantToken"], "CONNECTION_CREDENTIALS", "WEBSOCKET")
        sender.connection = connection
        offered = await sender.offer()
        url, page = offered["UploadMetadata"]["Url"], {"Origin": "https://shop.example"}
        asked = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type,x-amz-acl"}
        preflight = await http.options(url, headers={**page, **asked})
        assert preflight.status_code == 204
        assert preflight.headers["access-control-allow-headers"] == "content-type,x-amz-acl"
        assert "PUT" in preflight.headers["access-control-allow-methods"]
        assert (await sender.put(offered, headers=page)).headers["access-control-allow-origin"] == "*"
        await ended(app, begun["ContactId"])
