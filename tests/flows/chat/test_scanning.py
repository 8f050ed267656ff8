"""Attachments that a function scans first: approved, rejected, and scanners that fail. On virtual time."""

from collections.abc import Mapping

import pytest

from callpark.flows.chat.model import Item
from callpark.flows.chat.service import Seat
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from tests.flows.building import function_arn
from tests.flows.chat.house import House
from tests.flows.exchange import Stub, takes

pytestmark = pytest.mark.sim

CONTENT = b"hello"


async def scanning(clock: VirtualClock, stub: Stub) -> House:
    """A house whose attachments function F scans."""
    house = await House(clock, stubs={"F": stub}).opened()
    await house.ask("CreateIntegrationAssociation", IntegrationType="FILE_SCANNER", IntegrationArn=function_arn("F"))
    return house


async def sent(house: House, seat: Seat) -> str:
    one, _ = await house.attachments.offer(seat, "note.txt", "text/plain", len(CONTENT), "t")
    await house.attachments.take(one, CONTENT)
    await house.attachments.attach(seat, one.id, "t")
    return one.id


async def shown(house: House, seat: Seat) -> list[str]:
    """The states of its files in the transcript."""
    items: list[Item] = await house.kept(seat.contact.id)
    return [item.file.status for item in items if item.file is not None]


@pytest.mark.parametrize("verdict", ["APPROVED", "REJECTED"])
async def test_a_scanner_decides(clock: VirtualClock, verdict: str) -> None:
    house = await scanning(clock, takes(3, {"Status": verdict}))
    seat, ear = await house.chat()
    attachment_id = await sent(house, seat)
    assert await shown(house, seat) == ["IN_PROGRESS"]
    with pytest.raises(CallerError, match="IN_PROGRESS"):
        await house.attachments.download(house.token(seat), attachment_id, None)
    await clock.advance(3)
    assert await shown(house, seat) == [verdict]
    states = [item["Attachments"][0]["Status"] for item in ear.items if "Attachments" in item]  # type: ignore[index]
    assert states == ["IN_PROGRESS", verdict]
    if verdict == "APPROVED":
        await house.attachments.download(house.token(seat), attachment_id, None)
    else:
        with pytest.raises(CallerError, match="REJECTED"):
            await house.attachments.download(house.token(seat), attachment_id, None)
    await house.closed()


async def test_a_file_that_is_completed_again_is_scanned_once(clock: VirtualClock) -> None:
    house = await scanning(clock, takes(3, {"Status": "APPROVED"}))
    seat, _ = await house.chat()
    attachment_id = await sent(house, seat)
    await house.attachments.attach(seat, attachment_id, "t")
    await clock.advance(3)
    await house.attachments.attach(seat, attachment_id, "t")
    await clock.advance(10)
    assert await shown(house, seat) == ["APPROVED"]
    assert len(house.office.runner.runs) == 1
    await house.closed()


async def test_what_a_scanner_is_told(clock: VirtualClock) -> None:
    house = await scanning(clock, takes(1, {"Status": "APPROVED"}))
    seat, _ = await house.chat()
    attachment_id = await sent(house, seat)
    await clock.advance(1)
    [(_, request, _, _)] = house.office.runner.runs
    assert request["Version"] == "1.0"
    assert request["InstanceId"] == house.plane.instance_id
    file = request["File"]
    assert isinstance(file, Mapping)
    assert {name: file[name] for name in ("FileId", "FileName", "FileSizeInBytes")} == {
        "FileId": attachment_id,
        "FileName": "note.txt",
        "FileSizeInBytes": 5,
    }
    place = file["FileLocation"]["S3Location"]
    assert place["Arn"] == f"arn:aws:s3:::{place['Bucket']}/{place['Key']}"
    assert [(name, given.get("Key"), given.get("Body")) for name, given in house.elsewhere.calls] == [
        ("CreateBucket", None, None),
        ("PutObject", place["Key"], CONTENT),
        ("DeleteObject", place["Key"], None),
    ]
    await house.closed()


@pytest.mark.parametrize(
    ("stub", "seconds", "says"),
    [
        (takes(0, failed=True), 0, "failed"),
        (takes(100, {"Status": "APPROVED"}), 61, "took more than 60 s"),
        (takes(0, {"Status": "PERHAPS"}), 0, "answers neither"),
    ],
)
async def test_a_scanner_that_does_not_approve_rejects(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture, stub: Stub, seconds: float, says: str
) -> None:
    house = await scanning(clock, stub)
    seat, _ = await house.chat()
    await sent(house, seat)
    await clock.advance(seconds)
    await clock.settle()
    assert await shown(house, seat) == ["REJECTED"]
    assert says in caplog.text
    await house.closed()


async def test_a_chat_that_ends_meanwhile_and_a_restart(clock: VirtualClock) -> None:
    house = await scanning(clock, takes(30, {"Status": "APPROVED"}))
    ended, _ = await house.chat()
    await sent(house, ended)
    await house.ask("StopContact", ContactId=ended.contact.id)
    await clock.advance(30)
    assert await shown(house, ended) == ["APPROVED"]
    seat, _ = await house.chat()
    await sent(house, seat)
    await clock.advance(1)
    await house.closed()
    after = await House(
        clock, stubs={"F": takes(30, {"Status": "APPROVED"})}, store=house.store.crash(), seed=50
    ).opened()
    await clock.advance(30)
    assert await shown(after, seat) == ["APPROVED"]
    await after.closed()


async def test_with_nobody_to_serve_buckets_the_function_is_asked_all_the_same(
    clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    house = await scanning(clock, takes(0, {"Status": "APPROVED"}))
    house.elsewhere.nobody = {"s3": "name one with --upstream"}
    seat, _ = await house.chat()
    await sent(house, seat)
    await clock.settle()
    assert await shown(house, seat) == ["APPROVED"]
    assert "nobody serves s3 here: name one with --upstream" in caplog.text
    assert not house.elsewhere.calls
    await house.closed()


async def test_associations(clock: VirtualClock) -> None:
    house = await scanning(clock, takes(0))
    for kind, arn, code in (
        ("FILE_SCANNER", function_arn("F"), "DuplicateResourceException"),
        ("FILE_SCANNER", "arn:aws:s3:::bucket", "InvalidRequestException"),
    ):
        with pytest.raises(CallerError, match=code):
            await house.ask("CreateIntegrationAssociation", IntegrationType=kind, IntegrationArn=arn)
    other = await house.ask(
        "CreateIntegrationAssociation", IntegrationType="CASES_DOMAIN", IntegrationArn="arn:aws:cases:::domain/d"
    )
    listed = await house.ask("ListIntegrationAssociations", IntegrationType="CASES_DOMAIN")
    summaries = listed["IntegrationAssociationSummaryList"]
    assert isinstance(summaries, list)
    assert [each["IntegrationAssociationId"] for each in summaries] == [other["IntegrationAssociationId"]]
    both = (await house.ask("ListIntegrationAssociations"))["IntegrationAssociationSummaryList"]
    for one in both:  # type: ignore[attr-defined]
        await house.ask("DeleteIntegrationAssociation", IntegrationAssociationId=one["IntegrationAssociationId"])
    assert house.plane.file_scanner() is None
    with pytest.raises(CallerError, match="ResourceNotFoundException"):
        await house.ask("DeleteIntegrationAssociation", IntegrationAssociationId="none")
    with pytest.raises(CallerError, match="InvalidRequestException"):
        await house.ask(
            "CreateIntegrationAssociation", IntegrationType="FILE_SCANNER", IntegrationArn=function_arn("G")
        )
    await house.closed()
