"""An authenticator of what a server was told at its start: who is known by which key, and whose tokens are believed.

Called by `app.py`, once; all APIs ask the same one.
"""

from collections.abc import Mapping

from callpark.graphql.auth.authenticator import Authenticator, Authorities
from callpark.graphql.auth.fetching import DocumentFetcher
from callpark.graphql.auth.iam import OWN_ACCESS_KEYS, AccessKeys
from callpark.graphql.auth.keyring import Keyring
from callpark.graphql.auth.lambda_authorizer import LambdaAuthorizers
from callpark.graphql.auth.local_pool import LocalPool
from callpark.graphql.datasources.lambda_ import FunctionInvoker
from callpark.kernel.clock import Clock
from callpark.kernel.limits import AppSyncLimits


def authenticator(
    clock: Clock,
    limits: AppSyncLimits,
    functions: FunctionInvoker,
    pool: LocalPool,
    *,
    account: str,
    key_sources: Mapping[str, str],
    access_keys: Mapping[str, str],
) -> Authenticator:
    """`key_sources` says where an issuer's keys are, `access_keys` has secrets by id; without any every id may sign."""
    keyring = Keyring(clock, limits, pool, key_sources, DocumentFetcher(limits))
    authorizers = LambdaAuthorizers(functions, clock, limits, account)
    keys = AccessKeys({**OWN_ACCESS_KEYS, **access_keys}, open=not access_keys)
    return Authenticator(Authorities(keys, keyring, authorizers, account), clock, limits)
