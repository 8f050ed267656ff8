"""Authorization mode AWS_IAM: a Signature Version 4 of the service `appsync`. Pure.

Keys whose secret callpark knows must have signed well. When no credentials are configured, a key of which nothing is
known is let in: locally everybody signs with a key of their own. Policies are not evaluated.
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from callpark.graphql.auth.approach import Approach
from callpark.graphql.auth.credentials import Credentials
from callpark.graphql.auth.verdict import NOT_AUTHORIZED, Authorized, Refusal
from callpark.kernel.signature import Claim, SignedRequest, flaw, read_claim

OWN_ACCESS_KEYS = {"test": "test", "callpark": "callpark"}
"""What functions and `callpark status -o env` sign with."""

_SCHEME = "AWS4-HMAC-SHA256"
_SERVICE = "appsync"


@dataclass(frozen=True, slots=True)
class AccessKeys:
    """Secrets by access key id. `open`: a key that is not among them is let in unverified."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    open: bool = True


def shows(credentials: Credentials) -> bool:
    return credentials.get("authorization", "").startswith(_SCHEME)


def claimed(approach: Approach) -> Claim | None:
    claim = read_claim(approach.authorization or "")
    return claim if claim is not None and claim.service == _SERVICE else None


def authenticate(
    approach: Approach, keys: AccessKeys, account: str, now: float, skew_seconds: float
) -> Authorized | Refusal:
    claim = claimed(approach)
    if claim is None:
        return NOT_AUTHORIZED
    secret = keys.secrets.get(claim.access_key_id)
    if secret is None:
        return _authorized(claim, approach, account) if keys.open else NOT_AUTHORIZED
    for path in approach.signed.paths:
        request = SignedRequest("POST", path, approach.signed.query, approach.credentials, approach.signed.body)
        if flaw(request, claim, secret, now, skew_seconds) is None:
            return _authorized(claim, approach, account)
    return NOT_AUTHORIZED


def _authorized(claim: Claim, approach: Approach, account: str) -> Authorized:
    identity = {
        "accountId": account,
        "cognitoIdentityPoolId": None,
        "cognitoIdentityId": None,
        "sourceIp": list(approach.source_ips),
        "username": claim.access_key_id,
        "userArn": f"arn:aws:iam::{account}:user/{claim.access_key_id}",
        "cognitoIdentityAuthType": None,
        "cognitoIdentityAuthProvider": None,
    }
    return Authorized("AWS_IAM", identity)
