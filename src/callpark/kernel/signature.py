"""AWS Signature Version 4 of a request that came in: read and verified. Pure.

Asked by whoever must know who signed.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, quote

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<credential>[^,\s]+)\s*,\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+)\s*,\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_DATE = "%Y%m%dT%H%M%SZ"

Flaw: TypeAlias = Literal["unreadable", "stale", "mismatch"]
"""What is wrong with a signature: no signature, one of another time, one of another request or another secret."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What the signer saw. `path` as sent, escapes included; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What an Authorization header says of its signature."""

    access_key_id: str
    date: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str


def read_claim(authorization: str) -> Claim | None:
    """None for a header that is no Signature Version 4."""
    found = _HEADER.fullmatch(authorization.strip())
    parts = found["credential"].rsplit("/", 4) if found else []
    if found is None or len(parts) != 5 or parts[4] != "aws4_request":
        return None
    key, date, region, service, _ = parts
    return Claim(key, date, region, service, tuple(found["headers"].split(";")), found["signature"])


def flaw(request: SignedRequest, claim: Claim, secret: str, now: float, skew_seconds: float) -> Flaw | None:
    """None when `claim` is `secret`'s signature of `request`, made within `skew_seconds` of `now`."""
    timestamp = request.headers.get("x-amz-date", "")
    try:
        made = datetime.strptime(timestamp, _DATE).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return "unreadable"
    if abs(now - made) > skew_seconds or not timestamp.startswith(claim.date):
        return "stale"
    if "host" not in claim.headers or any(name not in request.headers for name in claim.headers):
        return "unreadable"
    return None if hmac.compare_digest(_signature(request, claim, secret, timestamp), claim.signature) else "mismatch"


def _signature(request: SignedRequest, claim: Claim, secret: str, timestamp: str) -> str:
    scope = f"{claim.date}/{claim.region}/{claim.service}/aws4_request"
    digest = hashlib.sha256(_canonical(request, claim).encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in (claim.date, claim.region, claim.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{digest}".encode(), "sha256").hex()


def _canonical(request: SignedRequest, claim: Claim) -> str:
    """The path is escaped once more, as all services but S3 want it."""
    pairs = sorted((_escaped(name), _escaped(value)) for name, value in parse_qsl(request.query, True))
    headers = [f"{name}:{' '.join(request.headers[name].split())}\n" for name in claim.headers]
    return "\n".join(
        (
            request.method,
            quote(request.path or "/", safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            "".join(headers),
            ";".join(claim.headers),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def _escaped(text: str) -> str:
    return quote(text, safe="-_.~")
