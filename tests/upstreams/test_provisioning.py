"""What a project declares is created before the first request to a server, once for each of its lives."""

import asyncio
from collections.abc import Mapping

import pytest

from callpark.kernel.errors import CallerError
from callpark.upstreams.assignments import Emulator, Fallback, Nobody, RealAws, Server
from callpark.upstreams.provisioning import Provisioning, Step, Wanted

pytestmark = pytest.mark.unit


def table(name: str, *, keys: str = "id", service: str = "dynamodb") -> Wanted:
    step = Step(service, "CreateTable", {"TableName": name, "Keys": keys}, frozenset({"ResourceInUseException"}))
    return Wanted(name, "AWS::DynamoDB::Table", (step,))


class Site:
    """A server's tables, as the provisioning reaches it."""

    def __init__(self, server: Server = Fallback()) -> None:  # noqa: B008  # a value
        self.server = server
        self.generation = 1
        self.tables: set[str] = set()
        self.asked: list[str] = []
        self.refusal: CallerError | None = None
        self.provisioning = Provisioning(lambda _: self.server, lambda: self.generation, self.send)

    async def send(self, service: str, operation: str, parameters: Mapping[str, object]) -> object:
        await asyncio.sleep(0)
        name = str(parameters["TableName"])
        self.asked.append(name)
        if self.refusal is not None:
            raise self.refusal
        if name in self.tables:
            raise CallerError("ResourceInUseException", 400, "it exists")
        self.tables.add(name)
        return {}


async def test_everything_is_made_once_before_the_first_request() -> None:
    site = Site()
    assert site.provisioning.want([table("a"), table("b")]) == []
    assert site.asked == []
    await asyncio.gather(*(site.provisioning.prepare(Fallback()) for _ in range(5)))
    assert site.asked == ["a", "b"]


async def test_a_fallback_that_was_started_again_gets_them_again() -> None:
    site = Site()
    site.provisioning.want([table("a")])
    await site.provisioning.prepare(Fallback())
    site.generation, site.tables = 2, set()
    await site.provisioning.prepare(Fallback())
    assert site.asked == ["a", "a"]


async def test_a_reload_makes_what_is_new(caplog: pytest.LogCaptureFixture) -> None:
    site = Site(Emulator("http://localhost:8000"))
    site.provisioning.want([table("a")])
    await site.provisioning.prepare(site.server)
    site.provisioning.want([table("a"), table("b")])
    await site.provisioning.prepare(site.server)
    assert site.asked == ["a", "b"]
    assert caplog.records == []


async def test_what_exists_stays_and_a_change_of_it_is_named(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    site.tables = {"a"}
    site.provisioning.want([table("a")])
    await site.provisioning.prepare(Fallback())
    assert caplog.records == []
    site.provisioning.want([table("a", keys="other")])
    await site.provisioning.prepare(Fallback())
    (record,) = caplog.records
    assert record.getMessage() == (
        "the project's a (AWS::DynamoDB::Table) exists and stays as it is: changes of CreateTable are not made"
    )


async def test_what_cannot_be_made_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    site.refusal = CallerError("ValidationException", 400, "no keys")
    site.provisioning.want([table("a")])
    await site.provisioning.prepare(Fallback())
    await site.provisioning.prepare(Fallback())
    (record,) = caplog.records
    assert "could not be made: CreateTable: ValidationException: no keys" in record.getMessage()


async def test_what_nobody_serves_is_one_warning_with_the_remedy() -> None:
    site = Site(Nobody("install callpark[aws]"))
    (warning,) = site.provisioning.want([table("a"), table("b", service="s3")])
    assert warning == (
        "nobody serves dynamodb, s3 here, so these are names only: a (AWS::DynamoDB::Table), b (AWS::DynamoDB::Table); "
        "install callpark[aws]"
    )
    await site.provisioning.prepare(site.server)
    assert site.asked == []


async def test_nothing_is_created_in_aws_itself() -> None:
    site = Site(RealAws())
    (warning,) = site.provisioning.want([table("a")])
    assert "must be there already: a (AWS::DynamoDB::Table)" in warning
    await site.provisioning.prepare(site.server)
    assert site.asked == []
