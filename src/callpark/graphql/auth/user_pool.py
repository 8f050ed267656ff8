"""Authorization mode AMAZON_COGNITO_USER_POOLS: id and access tokens of one user pool. Pure.

Signatures are `authenticator.py`'s; this says what else a token must be and what resolvers see of it.
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

import re

from callpark.graphql.auth.access import COGNITO
from callpark.graphql.auth.tokens import Token, expired
from callpark.graphql.auth.verdict import EXPIRED_TOKEN, NOT_AUTHORIZED, Authorized, Refusal
from callpark.graphql.model import UserPoolConfig


def issuer(region: str, user_pool_id: str) -> str:
    """`iss` of a pool's tokens."""
    return f"https://cognito-idp.{region}.amazonaws.com/{user_pool_id}"


def admit(config: UserPoolConfig, token: Token, source_ips: tuple[str, ...], now: float) -> Authorized | Refusal:
    """The verdict on a token whose signature is good."""
    if token.text_claim("iss") != issuer(config.region, config.user_pool_id):
        return NOT_AUTHORIZED
    if expired(token, now):
        return EXPIRED_TOKEN
    if token.text_claim("token_use") not in ("id", "access"):
        return NOT_AUTHORIZED
    client = token.text_claim("aud") or token.text_claim("client_id") or ""
    if config.app_id_client_regex and re.search(config.app_id_client_regex, client) is None:
        return NOT_AUTHORIZED
    groups = token.claims.get("cognito:groups")
    identity = {
        "sourceIp": list(source_ips),
        "username": token.text_claim("cognito:username") or token.text_claim("username"),
        "groups": [str(each) for each in groups] if isinstance(groups, list) else None,
        "sub": token.text_claim("sub"),
        "issuer": token.text_claim("iss"),
        "claims": token.claims,
        "defaultAuthStrategy": config.default_action,
    }
    return Authorized(COGNITO, identity)
