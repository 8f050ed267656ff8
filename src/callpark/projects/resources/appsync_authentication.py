"""The ways into an API, as templates write them: AuthenticationType and the configuration beside it.

Called by `appsync.py` for an API and for each of its AdditionalAuthenticationProviders.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-appsync-graphqlapi.html
"""

import re
from typing import Literal

from callpark.graphql.model import (
    AuthenticationProvider,
    LambdaAuthorizerConfig,
    OpenIdConnectConfig,
    ProviderConfig,
    UserPoolConfig,
)
from callpark.projects.resources.properties import Properties
from callpark.projects.resources.stack import Stack

_TYPES = ("API_KEY", "AWS_IAM", "AMAZON_COGNITO_USER_POOLS", "OPENID_CONNECT", "AWS_LAMBDA")
_FUNCTION_PATH = re.compile(r".*/functions/(arn:[^/]+)/invocations")


def authentication(properties: Properties, stack: Stack) -> AuthenticationProvider:
    """Raises ProjectError for an unknown type, or one whose configuration is missing."""
    kind = properties.required("AuthenticationType")
    if kind not in _TYPES:
        raise properties.wrong("AuthenticationType", f"{kind!r} is unknown", f"use one of: {', '.join(_TYPES)}")
    return AuthenticationProvider(kind, _configuration(kind, properties, stack))


def event_authentication(properties: Properties, stack: Stack) -> AuthenticationProvider:
    """Of an Event API's AuthProviders. Raises ProjectError as `authentication` does."""
    kind = auth_mode(properties)
    return AuthenticationProvider(kind, _configuration(kind, properties, stack, pool="CognitoConfig"))


def auth_mode(properties: Properties) -> str:
    """`AuthType`, of an Event API's providers and modes."""
    kind = properties.required("AuthType")
    if kind not in _TYPES:
        raise properties.wrong("AuthType", f"{kind!r} is unknown", f"use one of: {', '.join(_TYPES)}")
    return kind


def _configuration(
    kind: str, properties: Properties, stack: Stack, pool: str = "UserPoolConfig"
) -> ProviderConfig | None:
    if kind == "AMAZON_COGNITO_USER_POOLS":
        return _user_pool(_needed(properties, pool, stack), stack)
    if kind == "OPENID_CONNECT":
        return _open_id(_needed(properties, "OpenIDConnectConfig", stack))
    if kind == "AWS_LAMBDA":
        return _lambda_authorizer(_needed(properties, "LambdaAuthorizerConfig", stack))
    return None


def _needed(properties: Properties, name: str, stack: Stack) -> Properties:
    found = properties.mapping(name)
    if found is None:
        raise stack.blame(properties.place, f"{name} is missing", f"AuthenticationType asks for {name}")
    return found


def _user_pool(properties: Properties, stack: Stack) -> UserPoolConfig:
    action = properties.text("DefaultAction")
    if action not in (None, "ALLOW", "DENY"):
        raise properties.wrong("DefaultAction", f"{action!r} is unknown", "use ALLOW or DENY")
    default: Literal["ALLOW", "DENY"] = "DENY" if action == "DENY" else "ALLOW"
    return UserPoolConfig(
        user_pool_id=properties.required("UserPoolId"),
        region=properties.text("AwsRegion") or stack.home.region,
        default_action=default,
        app_id_client_regex=_pattern(properties, "AppIdClientRegex"),
    )


def _open_id(properties: Properties) -> OpenIdConnectConfig:
    return OpenIdConnectConfig(
        issuer=properties.required("Issuer"),
        client_id=_pattern(properties, "ClientId"),
        iat_ttl=properties.integer("IatTTL") or 0,
        auth_ttl=properties.integer("AuthTTL") or 0,
    )


def _lambda_authorizer(properties: Properties) -> LambdaAuthorizerConfig:
    """The URI is the function's ARN, or API Gateway's path to it."""
    uri = properties.required("AuthorizerUri")
    path = _FUNCTION_PATH.fullmatch(uri)
    return LambdaAuthorizerConfig(
        function_arn=path[1] if path else uri,
        result_ttl=properties.integer("AuthorizerResultTtlInSeconds") or 0,
        identity_validation_expression=_pattern(properties, "IdentityValidationExpression"),
    )


def _pattern(properties: Properties, name: str) -> str | None:
    text = properties.text(name)
    if text is not None:
        try:
            re.compile(text)
        except re.error as error:
            raise properties.wrong(name, f"{text!r} is no regular expression: {error}", "correct it") from error
    return text
