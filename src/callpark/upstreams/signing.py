"""SigV4 for requests that leave the machine, and AWS's addresses.

Called by `calls.py` and `passing.py`. Keys come from the user's own default chain, asked in a thread because it may ask
the network; the date is the machine's, whatever our clock says. What signs is imported at first need.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol, cast

from callpark.kernel.errors import CallerError
from callpark.upstreams import refusals

UNSIGNED = "UNSIGNED-PAYLOAD"
_REPLACED = ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "date")


@dataclass(frozen=True, slots=True)
class Keys:
    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class _Credentials(Protocol):
    def get_frozen_credentials(self) -> Keys: ...


class OwnKeys:
    """The user's credentials, found once and refreshed when they expire."""

    def __init__(self) -> None:
        self._credentials: _Credentials | None = None

    async def keys(self) -> Keys:
        """Raises CallerError when there are none."""
        return await asyncio.to_thread(self._find)

    def _find(self) -> Keys:
        import botocore.exceptions
        import botocore.session

        try:
            if self._credentials is None:
                self._credentials = cast("_Credentials | None", botocore.session.get_session().get_credentials())
            found = None if self._credentials is None else self._credentials.get_frozen_credentials()
        except botocore.exceptions.BotoCoreError as error:
            raise refusals.no_credentials(str(error)) from None
        if found is None:
            raise refusals.no_credentials("none were found")
        return Keys(found.access_key, found.secret_key, found.token)


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A request as it is signed. `payload`: its body's SHA-256 in hexadecimal digits, or what stands for it
    (`UNSIGNED`)."""

    method: str
    url: str
    headers: Mapping[str, str]
    payload: str


def signed(sent: Unsigned, keys: Keys, service: str, region: str) -> dict[str, str]:
    """The headers with a new signature. `service` is the signing name."""
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials

    kept = {name: value for name, value in sent.headers.items() if name.lower() not in _REPLACED}
    if service == "s3":
        kept["X-Amz-Content-SHA256"] = sent.payload
    request = botocore.awsrequest.AWSRequest(sent.method, sent.url, kept)
    credentials = botocore.credentials.Credentials(keys.access_key, keys.secret_key, keys.token)
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    signer = kind(credentials, service, region)
    signer.payload = lambda request: sent.payload
    signer.add_auth(request)
    return dict(request.headers.items())


def scoped(service: str, region: str) -> str:
    """An Authorization header that nobody verifies: emulators find service and region in it."""
    scope = f"callpark/20260101/{region}/{service}/aws4_request"
    return f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"


@lru_cache(maxsize=64)
def aws_address(service: str, region: str) -> str:
    """The URL of a service of AWS, by botocore's name for it. Raises CallerError."""
    import botocore.config
    import botocore.exceptions
    import botocore.session

    session = botocore.session.get_session()
    config = botocore.config.Config(ignore_configured_endpoint_urls=True)  # the shell's may well be our own address
    try:
        client = session.create_client(
            service, region_name=region, aws_access_key_id="-", aws_secret_access_key="-", config=config
        )
    except (botocore.exceptions.BotoCoreError, ValueError) as error:
        raise CallerError("ServiceUnavailable", 503, f"AWS's {service} in {region} has no address: {error}") from None
    return str(client.meta.endpoint_url)
