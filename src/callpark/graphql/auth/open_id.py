"""Authorization mode OPENID_CONNECT: tokens of one issuer. Pure.

Signatures are `authenticator.py`'s; this says what else a token must be and what resolvers see of it.
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

import re

from callpark.graphql.auth.tokens import Token, expired, number, premature
from callpark.graphql.auth.verdict import EXPIRED_TOKEN, NOT_AUTHORIZED, Authorized, Refusal
from callpark.graphql.model import OpenIdConnectConfig

MODE = "OPENID_CONNECT"


def same_issuer(config: OpenIdConnectConfig, token: Token) -> bool:
    """A slash at the end makes no difference."""
    return (token.text_claim("iss") or "").rstrip("/") == config.issuer.rstrip("/")


def admit(config: OpenIdConnectConfig, token: Token, now: float, leeway_seconds: float) -> Authorized | Refusal:
    """The verdict on a token whose signature is good. The issuer is compared where it picks the provider."""
    if expired(token, now):
        return EXPIRED_TOKEN
    if premature(token, now, leeway_seconds):
        return NOT_AUTHORIZED
    if _older(token, "iat", config.iat_ttl, now) or _older(token, "auth_time", config.auth_ttl, now):
        return EXPIRED_TOKEN
    if config.client_id and not any(re.search(config.client_id, each) for each in _clients(token)):
        return NOT_AUTHORIZED
    identity = {"sub": token.text_claim("sub"), "issuer": token.text_claim("iss"), "claims": token.claims}
    return Authorized(MODE, identity)


def _older(token: Token, claim: str, milliseconds: int, now: float) -> bool:
    since = number(token, claim)
    return bool(milliseconds) and (since is None or now > since + milliseconds / 1000)


def _clients(token: Token) -> list[str]:
    audience = token.claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    return [each for each in (*listed, token.claims.get("azp")) if isinstance(each, str)]
