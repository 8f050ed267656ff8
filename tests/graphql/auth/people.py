"""Those who vouch for callers, for tests: made with no keys, no functions and nobody to fetch from unless given."""

from collections.abc import Mapping
from pathlib import Path

from callpark.graphql.auth.authenticator import Authenticator, Authorities
from callpark.graphql.auth.iam import AccessKeys
from callpark.graphql.auth.keyring import Fetch, Keyring
from callpark.graphql.auth.lambda_authorizer import LambdaAuthorizers
from callpark.graphql.auth.local_pool import LocalPool
from callpark.graphql.datasources.lambda_ import FunctionInvoker, FunctionReply
from callpark.kernel.clock import Clock
from callpark.kernel.limits import AppSyncLimits

ACCOUNT = "123456789012"


class NoFunctions:
    async def invoke(self, function_arn: str, payload: bytes) -> FunctionReply:
        raise AssertionError(f"nobody expects {function_arn} to be invoked")

    async def enqueue(self, function_arn: str, payload: bytes) -> None:
        raise AssertionError(f"nobody expects an event for {function_arn}")


async def nothing_there(url: str) -> bytes:
    raise OSError(f"nobody serves {url}")


def authenticator(
    clock: Clock,
    *,
    directory: Path = Path("/nonexistent"),
    keys: AccessKeys | None = None,
    functions: FunctionInvoker | None = None,
    sources: Mapping[str, str] | None = None,
    fetch: Fetch = nothing_there,
    limits: AppSyncLimits | None = None,
) -> Authenticator:
    limits = limits or AppSyncLimits()
    authorities = Authorities(
        keys or AccessKeys(),
        Keyring(clock, limits, LocalPool(directory), sources or {}, fetch),
        LambdaAuthorizers(functions or NoFunctions(), clock, limits, ACCOUNT),
        ACCOUNT,
    )
    return Authenticator(authorities, clock, limits)
