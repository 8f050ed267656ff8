"""Signatures for requests that leave the machine, and AWS's addresses."""

import hashlib

import pytest

from callpark.kernel.errors import CallerError
from callpark.upstreams.signing import UNSIGNED, Keys, OwnKeys, Unsigned, aws_address, scoped, signed

pytestmark = pytest.mark.unit

KEYS = Keys("AKID", "secret", "token")


@pytest.mark.parametrize(
    ("service", "region", "address"),
    [
        ("dynamodb", "eu-west-1", "https://dynamodb.eu-west-1.amazonaws.com"),
        ("s3", "eu-west-1", "https://s3.eu-west-1.amazonaws.com"),
        ("stepfunctions", "us-east-1", "https://states.us-east-1.amazonaws.com"),
        ("iam", "eu-west-1", "https://iam.amazonaws.com"),
    ],
)
def test_addresses_of_aws(monkeypatch: pytest.MonkeyPatch, service: str, region: str, address: str) -> None:
    """Also where the shell points every client at callpark."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert aws_address(service, region) == address


def test_a_service_that_aws_does_not_have() -> None:
    with pytest.raises(CallerError, match="has no address") as error:
        aws_address("unheard-of", "us-east-1")
    assert error.value.status == 503


def test_the_users_own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "own")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "session")
    keys = OwnKeys()._find()
    assert keys == Keys("own", "hidden", "session")
    assert "hidden" not in repr(keys)


async def test_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(CallerError, match="which needs credentials") as error:
        await OwnKeys().keys()
    assert error.value.status == 503


def test_a_signature_replaces_the_clients() -> None:
    given = {"authorization": "theirs", "x-amz-date": "20200101T000000Z", "x-amz-security-token": "t", "x-own": "kept"}
    digest = hashlib.sha256(b"{}").hexdigest()
    headers = signed(
        Unsigned("POST", "https://dynamodb.eu-west-1.amazonaws.com/", given, digest), KEYS, "dynamodb", "eu-west-1"
    )
    found = {name.lower(): value for name, value in headers.items()}
    assert found["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/")
    assert (
        "/eu-west-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token;x-own"
        in (found["authorization"])
    )
    assert (found["x-amz-security-token"], found["x-own"]) == ("token", "kept")
    assert not found["x-amz-date"].startswith("2020")


def test_what_is_signed_in_place_of_a_body_goes_to_s3() -> None:
    headers = signed(Unsigned("PUT", "https://s3.amazonaws.com/b/a%20b", {}, UNSIGNED), KEYS, "s3", "us-east-1")
    assert headers["X-Amz-Content-SHA256"] == UNSIGNED


def test_emulators_find_service_and_region_in_the_scope() -> None:
    assert "/eu-west-1/sns/aws4_request" in scoped("sns", "eu-west-1")
