"""AddPermission, GetPolicy, RemovePermission: statements as AWS writes them."""

import json

import pytest

from tests.functions.api.conftest import NEW, Refused
from tests.functions.scene import PLACE, Scene

pytestmark = pytest.mark.sim

ARN = PLACE.arn("lambda", "function:f")
ADD: dict[str, object] = {"FunctionName": "f", "StatementId": "s", "Action": "lambda:InvokeFunction"}


async def policy(scene: Scene, **target: object) -> tuple[dict[str, object], object]:
    answer = await scene.call("GetPolicy", **{"FunctionName": "f", **target})
    return json.loads(str(answer["Policy"])), answer["RevisionId"]


@pytest.mark.parametrize(
    ("principal", "spelled"),
    [
        ("*", "*"),
        ("connect.amazonaws.com", {"Service": "connect.amazonaws.com"}),
        ("123456789012", {"AWS": "arn:aws:iam::123456789012:root"}),
        ("arn:aws:iam::123456789012:role/r", {"AWS": "arn:aws:iam::123456789012:role/r"}),
    ],
)
async def test_a_statement(scene: Scene, principal: str, spelled: object) -> None:
    await scene.call("CreateFunction", **NEW)
    added = await scene.call("AddPermission", **ADD, Principal=principal, SourceArn="arn:x", SourceAccount="1")
    statement = {
        "Sid": "s",
        "Effect": "Allow",
        "Principal": spelled,
        "Action": "lambda:InvokeFunction",
        "Resource": ARN,
        "Condition": {"StringEquals": {"AWS:SourceAccount": "1"}, "ArnLike": {"AWS:SourceArn": "arn:x"}},
    }
    assert json.loads(str(added["Statement"])) == statement
    document, _ = await policy(scene)
    assert document == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}


async def test_each_qualifier_has_its_own_policy(scene: Scene, refused: Refused) -> None:
    await scene.call("CreateFunction", **NEW, Publish=True)
    await scene.call("CreateAlias", FunctionName="f", Name="live", FunctionVersion="1")
    await scene.call("AddPermission", **ADD, Principal="*", Qualifier="live")
    document, revision = await policy(scene, Qualifier="live")
    assert [made["Resource"] for made in document["Statement"]] == [f"{ARN}:live"]  # type: ignore[attr-defined]
    none = await refused("GetPolicy", FunctionName="f")
    assert none.body == {"Type": "User", "Message": "The resource you requested does not exist."}
    assert (await refused("RemovePermission", FunctionName="f:live", StatementId="s", RevisionId="x")).status == 412
    await scene.call("RemovePermission", FunctionName="f:live", StatementId="s", RevisionId=revision)
    assert (await refused("GetPolicy", FunctionName="f:live")).status == 404


@pytest.mark.parametrize(
    ("operation", "given", "status", "text"),
    [
        ("AddPermission", {**ADD, "Principal": "nobody"}, 400, "The provided principal was invalid."),
        ("AddPermission", {**ADD, "Principal": "*", "Qualifier": "$LATEST"}, 400,
         "We currently do not support adding policies for $LATEST."),
        ("AddPermission", {**ADD, "Principal": "*", "StatementId": "there"}, 409,
         "The statement id (there) provided already exists. Please provide a new statement id, or remove the existing "
         "statement."),
        ("AddPermission", {**ADD, "Principal": "*", "RevisionId": "x"}, 412, "Revision Id"),
        ("AddPermission", {**ADD, "Principal": "*", "FunctionName": "g"}, 404, "Function not found"),
        ("RemovePermission", {"FunctionName": "f", "StatementId": "gone"}, 404,
         "Statement gone is not found in resource policy."),
        ("RemovePermission", {"FunctionName": "f:1", "StatementId": "s"}, 404,
         "No policy is associated with the given resource."),
    ],
)  # fmt: skip
async def test_refusals(
    scene: Scene, refused: Refused, operation: str, given: dict[str, object], status: int, text: str
) -> None:
    await scene.call("CreateFunction", **NEW, Publish=True)
    await scene.call("AddPermission", **{**ADD, "StatementId": "there"}, Principal="*")
    refusal = await refused(operation, **given)
    assert refusal.status == status
    assert text in refusal.message


async def test_a_policy_has_its_size(scene: Scene, refused: Refused) -> None:
    await scene.call("CreateFunction", **NEW)
    for number in range(2):
        given = {**ADD, "StatementId": f"s{number}", "Principal": "*", "SourceArn": "arn:" + "x" * 9_000}
        await scene.call("AddPermission", **given)
    refusal = await refused("AddPermission", **{**given, "StatementId": "s2"})
    assert (refusal.code, refusal.status) == ("PolicyLengthExceededException", 400)
