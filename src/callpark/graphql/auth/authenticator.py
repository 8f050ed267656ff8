"""Who may come in: a caller's credentials against an API's ways in.

Asked by `api/http.py` for each request and by `api/websocket.py` for each connection and each `start`. Modes decide in
files of their own; this picks the one that is meant and fetches what it needs to know.
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

import logging
from dataclasses import dataclass

from callpark.graphql.auth import api_key, choice, iam, open_id, user_pool
from callpark.graphql.auth.approach import Approach
from callpark.graphql.auth.credentials import is_present
from callpark.graphql.auth.guarded import Guarded
from callpark.graphql.auth.iam import AccessKeys
from callpark.graphql.auth.keyring import Keyring
from callpark.graphql.auth.lambda_authorizer import LambdaAuthorizers
from callpark.graphql.auth.tokens import Token, read
from callpark.graphql.auth.verdict import MISSING, NOT_AUTHORIZED, UNREADABLE_TOKEN, Authorized, Refusal
from callpark.graphql.model import (
    AuthenticationProvider,
    LambdaAuthorizerConfig,
    OpenIdConnectConfig,
    UserPoolConfig,
)
from callpark.kernel.clock import Clock
from callpark.kernel.limits import AppSyncLimits

_log = logging.getLogger("callpark")


@dataclass(frozen=True, slots=True)
class Authorities:
    """What is known of those who vouch for callers."""

    keys: AccessKeys
    keyring: Keyring
    authorizers: LambdaAuthorizers
    account: str


class Authenticator:
    def __init__(self, authorities: Authorities, clock: Clock, limits: AppSyncLimits) -> None:
        self._authorities = authorities
        self._clock = clock
        self._limits = limits
        self._warned: set[str] = set()

    async def authenticate(self, api: Guarded, approach: Approach) -> Authorized | Refusal:
        token = None
        if approach.authorization is not None and not iam.shows(approach.credentials):
            token = read(approach.authorization)
        provider = choice.provider(api, approach.credentials, token)
        if provider is None:
            return NOT_AUTHORIZED if is_present(approach.credentials) else MISSING
        return await self._ask(api, provider, approach, token)

    async def _ask(
        self, api: Guarded, provider: AuthenticationProvider, approach: Approach, token: Token | None
    ) -> Authorized | Refusal:
        match provider.configuration:
            case LambdaAuthorizerConfig() as config:
                return await self._authorities.authorizers.authenticate(api.api_id, config, approach)
            case UserPoolConfig() as config:
                return await self._user_pool(config, token, approach)
            case OpenIdConnectConfig() as config:
                return await self._open_id(config, token)
        if provider.type == "AWS_IAM":
            return self._signed(api, approach)
        return api_key.authenticate(api, approach.credentials, self._clock.now())

    async def _user_pool(self, config: UserPoolConfig, token: Token | None, approach: Approach) -> Authorized | Refusal:
        if token is None:
            return UNREADABLE_TOKEN
        issuer = user_pool.issuer(config.region, config.user_pool_id)
        if not await self._authorities.keyring.signed(token, issuer, local=True):
            return NOT_AUTHORIZED
        return user_pool.admit(config, token, approach.source_ips, self._clock.now())

    async def _open_id(self, config: OpenIdConnectConfig, token: Token | None) -> Authorized | Refusal:
        if token is None:
            return UNREADABLE_TOKEN
        if not await self._authorities.keyring.signed(token, config.issuer, local=False):
            return NOT_AUTHORIZED
        return open_id.admit(config, token, self._clock.now(), self._limits.token_leeway_seconds)

    def _signed(self, api: Guarded, approach: Approach) -> Authorized | Refusal:
        keys = self._authorities.keys
        verdict = iam.authenticate(
            approach, keys, self._authorities.account, self._clock.now(), self._limits.signature_skew_seconds
        )
        claim = iam.claimed(approach)
        unknown = claim is not None and claim.access_key_id not in keys.secrets
        if isinstance(verdict, Authorized) and unknown and api.api_id not in self._warned:
            self._warned.add(api.api_id)
            _log.warning(
                "API %s: signatures of access keys that callpark does not know are not verified; name the keys in "
                "CALLPARK_CREDENTIALS",
                api.name,
            )
        return verdict
