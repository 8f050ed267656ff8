"""Which of an API's ways in a caller means, by what is shown. Pure.

With several of them a token's issuer picks the one, and what is left goes to the Lambda authorizer: a signature, or a
token of an issuer that the API knows, never does.
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

from callpark.graphql.auth import api_key, iam, open_id, user_pool
from callpark.graphql.auth.credentials import Credentials
from callpark.graphql.auth.guarded import Guarded
from callpark.graphql.auth.tokens import Token
from callpark.graphql.model import (
    AuthenticationProvider,
    LambdaAuthorizerConfig,
    OpenIdConnectConfig,
    UserPoolConfig,
)


def provider(api: Guarded, credentials: Credentials, token: Token | None) -> AuthenticationProvider | None:
    """The way in that is asked; None when nothing that is shown fits one. `token` is the Authorization header's."""
    if iam.shows(credentials) and (found := _of_type(api, "AWS_IAM")):
        return found
    if "authorization" in credentials and not iam.shows(credentials) and (found := _by_token(api, token)):
        return found
    return _of_type(api, "API_KEY") if api_key.shows(credentials) else None


def _of_type(api: Guarded, kind: str) -> AuthenticationProvider | None:
    return next((each for each in api.authentication if each.type == kind), None)


def _by_token(api: Guarded, token: Token | None) -> AuthenticationProvider | None:
    ways = api.authentication
    issuers = [each for each in ways if isinstance(each.configuration, UserPoolConfig | OpenIdConnectConfig)]
    authorizer = next((each for each in ways if isinstance(each.configuration, LambdaAuthorizerConfig)), None)
    if len(issuers) == 1 and authorizer is None:
        return issuers[0]
    issued = [each for each in issuers if token is not None and _issued(each, token)]
    return issued[0] if issued else authorizer or (issuers[0] if issuers else None)


def _issued(provider: AuthenticationProvider, token: Token) -> bool:
    match provider.configuration:
        case UserPoolConfig(user_pool_id=pool, region=region):
            return token.text_claim("iss") == user_pool.issuer(region, pool)
        case OpenIdConnectConfig() as config:
            return open_id.same_issuer(config, token)
    return False
