"""Signatures of version 4: whose are believed."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Keys

from callpark.graphql.auth.approach import Approach, Signed
from callpark.graphql.auth.iam import AccessKeys
from callpark.graphql.auth.verdict import NOT_AUTHORIZED, Authorized
from callpark.kernel.clock import VirtualClock
from tests.graphql.api.toy import api
from tests.graphql.auth.callers import IAM
from tests.graphql.auth.people import ACCOUNT, authenticator

pytestmark = pytest.mark.unit


URL = "http://127.0.0.1:4566/apis/a/graphql"


def signed(url: str = URL, body: bytes = b'{"query":"{a}"}', secret: str = "s3cret", **headers: str) -> dict[str, str]:
    """Headers as botocore signs them, now."""
    request = AWSRequest("POST", url, headers={"content-type": "application/json", **headers}, data=body)
    SigV4Auth(Keys("AKID", secret), "appsync", "us-east-1").add_auth(request)
    return {"host": "127.0.0.1:4566", **{name.lower(): value for name, value in request.headers.items()}}


def _now(headers: Mapping[str, str]) -> float:
    return datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _approach(headers: Mapping[str, str], body: bytes = b'{"query":"{a}"}', *paths: str) -> Approach:
    return Approach(headers, "r", ("10.0.0.1",), Signed(paths or ("/apis/a/graphql",), "", body))


async def test_signatures_of_known_keys_are_verified() -> None:
    headers = signed()
    now = _now(headers)
    known = AccessKeys({"AKID": "s3cret"}, open=False)
    definition = api("a", (), IAM)
    asked = authenticator(VirtualClock(now), keys=known)
    verdict = await asked.authenticate(definition, _approach(headers))
    assert verdict == Authorized(
        "AWS_IAM",
        {
            "accountId": ACCOUNT,
            "cognitoIdentityPoolId": None,
            "cognitoIdentityId": None,
            "sourceIp": ["10.0.0.1"],
            "username": "AKID",
            "userArn": f"arn:aws:iam::{ACCOUNT}:user/AKID",
            "cognitoIdentityAuthType": None,
            "cognitoIdentityAuthProvider": None,
        },
    )
    refused = {
        "another body": _approach(headers, b"{}"),
        "another path": _approach(headers, b'{"query":"{a}"}', "/apis/b/graphql"),
        "another secret": _approach(signed(secret="x")),
        "another host": _approach({**headers, "host": "evil"}),
        "a header taken away": _approach({n: v for n, v in headers.items() if n != "content-type"}),
        "another service": _approach(
            {**headers, "authorization": headers["authorization"].replace("/appsync/", "/s3/")}
        ),
        "no signature": _approach({**headers, "authorization": "AWS4-HMAC-SHA256 Credential=AKID"}),
        "no date": _approach({**headers, "x-amz-date": "yesterday"}),
    }
    for name, approach in refused.items():
        assert await asked.authenticate(definition, approach) == NOT_AUTHORIZED, name
    for away in (-301, 301):
        late = authenticator(VirtualClock(now + away), keys=known)
        assert await late.authenticate(definition, _approach(headers)) == NOT_AUTHORIZED, "replayed"


async def test_unknown_keys_are_let_in_with_one_warning_unless_credentials_are_configured(
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = signed()
    definition = api("a", (), IAM)
    asked = authenticator(VirtualClock(_now(headers)))
    for _ in range(2):
        assert isinstance(await asked.authenticate(definition, _approach(headers)), Authorized)
    assert len(caplog.records) == 1
    closed = authenticator(VirtualClock(_now(headers)), keys=AccessKeys({"OTHER": "x"}, open=False))
    assert await closed.authenticate(definition, _approach(headers)) == NOT_AUTHORIZED
