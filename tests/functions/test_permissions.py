"""What a resource policy says of a service that wants to invoke a function."""

import pytest

from callpark.functions.permissions import Caller, permits

pytestmark = pytest.mark.unit

INSTANCE = "arn:aws:connect:us-east-1:123456789012:instance/11111111-2222-4333-8444-555555555555"
CONNECT = Caller("connect.amazonaws.com", INSTANCE)
Statement = dict[str, object]


def allow(principal: object, action: str = "lambda:InvokeFunction", **conditions: dict[str, str]) -> Statement:
    statement: Statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    return {**statement, "Condition": conditions} if conditions else statement


def connect(action: str = "lambda:InvokeFunction", **conditions: dict[str, str]) -> Statement:
    return allow({"Service": "connect.amazonaws.com"}, action, **conditions)


OTHER = connect(ArnLike={"AWS:SourceArn": "arn:aws:connect:us-east-1:123456789012:instance/another"})


@pytest.mark.parametrize(
    ("statements", "permitted"),
    [
        ([], True),
        ([allow({"Service": "s3.amazonaws.com"})], True),
        ([connect()], True),
        ([connect("lambda:*")], True),
        ([connect("*")], True),
        ([connect(ArnLike={"AWS:SourceArn": INSTANCE})], True),
        ([connect(ArnLike={"aws:SourceArn": "arn:aws:connect:*:123456789012:instance/*"})], True),
        ([connect(ArnLike={"aws:SourceArn": "arn:aws:connect:us-east-?:*:instance/*"})], True),
        ([connect(StringEquals={"AWS:SourceAccount": "123456789012"})], True),
        ([OTHER], False),
        ([OTHER, connect(StringEquals={"AWS:SourceAccount": "123456789012"})], True),
        ([OTHER, allow("*")], True),
        ([OTHER, allow("*", "lambda:InvokeFunctionUrl")], False),
        ([connect(StringEquals={"AWS:SourceAccount": "210987654321"})], False),
        ([connect(ArnLike={"aws:SourceArn": "arn:aws:*"})], False),
        ([connect(StringEquals={"aws:PrincipalOrgID": "o-abcdefghij"})], False),
        ([connect(Bool={"lambda:InvokedViaFunctionUrl": "true"})], False),
        (
            [
                connect(
                    ArnLike={"AWS:SourceArn": INSTANCE},
                    StringEquals={"AWS:SourceAccount": "210987654321"},
                )
            ],
            False,
        ),
        ([connect("lambda:InvokeFunctionUrl", StringEquals={"AWS:SourceAccount": "210987654321"})], True),
        ([allow("*", StringEquals={"lambda:FunctionUrlAuthType": "NONE"})], True),
    ],
)
def test_permits(statements: list[Statement], permitted: bool) -> None:
    assert permits(statements, CONNECT) is permitted
