"""`graphqlApi` members ↔ the definition of an API: ways in, limits, logs. Pure.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_CreateGraphqlApi.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, TypeVar, cast

import msgspec

from callpark.graphql.control.model import Members
from callpark.graphql.control.refusals import bad_request
from callpark.graphql.model import (
    ApiDefinition,
    AuthenticationProvider,
    LambdaAuthorizerConfig,
    LogDefinition,
    OpenIdConnectConfig,
    ProviderConfig,
    UserPoolConfig,
)

_FUNCTION_PATH = re.compile(r".*/functions/(arn:[^/]+)/invocations")
_Section = TypeVar("_Section", bound=msgspec.Struct)


class _UserPool(msgspec.Struct, frozen=True, rename="camel"):
    user_pool_id: str
    aws_region: str
    default_action: Literal["ALLOW", "DENY"] = "ALLOW"
    app_id_client_regex: str | None = None

    def value(self) -> ProviderConfig:
        pattern = _pattern("appIdClientRegex", self.app_id_client_regex)
        return UserPoolConfig(self.user_pool_id, self.aws_region, self.default_action, pattern)


class _OpenId(msgspec.Struct, frozen=True):
    issuer: str
    clientId: str | None = None
    iatTTL: int = 0
    authTTL: int = 0

    def value(self) -> ProviderConfig:
        return OpenIdConnectConfig(self.issuer, _pattern("clientId", self.clientId), self.iatTTL, self.authTTL)


class _LambdaAuthorizer(msgspec.Struct, frozen=True, rename="camel"):
    authorizer_uri: str
    authorizer_result_ttl_in_seconds: int = 0
    identity_validation_expression: str | None = None

    def value(self) -> ProviderConfig:
        path = _FUNCTION_PATH.fullmatch(self.authorizer_uri)
        return LambdaAuthorizerConfig(
            path[1] if path else self.authorizer_uri,
            self.authorizer_result_ttl_in_seconds,
            _pattern("identityValidationExpression", self.identity_validation_expression),
        )


_CONFIGURED: Mapping[str, tuple[str, type[_UserPool] | type[_OpenId] | type[_LambdaAuthorizer]]] = {
    "AMAZON_COGNITO_USER_POOLS": ("userPoolConfig", _UserPool),
    "OPENID_CONNECT": ("openIDConnectConfig", _OpenId),
    "AWS_LAMBDA": ("lambdaAuthorizerConfig", _LambdaAuthorizer),
}


def with_settings(definition: ApiDefinition, members: Members) -> ApiDefinition:
    """The definition as `members` say; what they leave out is AWS's default. Raises CallerError."""
    if members.get("apiType") == "MERGED":
        raise bad_request("callpark does not support merged APIs (apiType MERGED).")
    return replace(
        definition,
        name=str(members["name"]),
        authentication=_authentication(members),
        query_depth_limit=_integer(members.get("queryDepthLimit")),
        resolver_count_limit=_integer(members.get("resolverCountLimit")),
        introspection=members.get("introspectionConfig") != "DISABLED",
        logs=_logs(members.get("logConfig")),
    )


def shown_settings(definition: ApiDefinition) -> Members:
    """What a project's API says, as if CreateGraphqlApi had been given it."""
    first, *further = definition.authentication
    members: dict[str, object] = {"name": definition.name, **_provider_members(first, with_default=True)}
    if further:
        members["additionalAuthenticationProviders"] = [_provider_members(each) for each in further]
    if definition.logs is not None:
        members["logConfig"] = {
            "fieldLogLevel": definition.logs.level,
            "cloudWatchLogsRoleArn": "",
            "excludeVerboseContent": not definition.logs.verbose,
        }
    members["introspectionConfig"] = "ENABLED" if definition.introspection else "DISABLED"
    members["queryDepthLimit"] = definition.query_depth_limit
    members["resolverCountLimit"] = definition.resolver_count_limit
    return members


def inert(members: Members) -> Iterator[str]:
    """Members that are kept and shown, and change nothing here."""
    if members.get("visibility") == "PRIVATE":
        yield "visibility PRIVATE"
    for name in ("xrayEnabled", "enhancedMetricsConfig", "mergedApiExecutionRoleArn"):
        if members.get(name):
            yield name


def _authentication(members: Members) -> tuple[AuthenticationProvider, ...]:
    ways = (members, *cast(Sequence[Members], members.get("additionalAuthenticationProviders") or ()))
    found = tuple(_provider(each) for each in ways)
    simple = [each.type for each in found if each.type in ("API_KEY", "AWS_IAM", "AWS_LAMBDA")]
    for kind in simple:
        if simple.count(kind) > 1:
            raise bad_request(f"The authentication type {kind} can be configured once only.")
    return found


def _provider(members: Members) -> AuthenticationProvider:
    kind = str(members.get("authenticationType"))
    if kind not in _CONFIGURED:
        return AuthenticationProvider(kind)
    section, shape = _CONFIGURED[kind]
    given = members.get(section)
    if given is None:
        raise bad_request(f"{section} is required when the authentication type is {kind}.")
    return AuthenticationProvider(kind, _converted(shape, section, given).value())


def _converted(shape: type[_Section], section: str, given: object) -> _Section:
    try:
        return msgspec.convert(given, shape)
    except msgspec.ValidationError as error:
        raise bad_request(f"{section}: {error}") from None


def _provider_members(provider: AuthenticationProvider, *, with_default: bool = False) -> dict[str, object]:
    members: dict[str, object] = {"authenticationType": provider.type}
    match provider.configuration:
        case UserPoolConfig() as pool:
            config: dict[str, object] = {"userPoolId": pool.user_pool_id, "awsRegion": pool.region}
            config |= {"defaultAction": pool.default_action} if with_default else {}
            config |= {"appIdClientRegex": pool.app_id_client_regex} if pool.app_id_client_regex else {}
            members["userPoolConfig"] = config
        case OpenIdConnectConfig() as issuer:
            config = {"issuer": issuer.issuer, "iatTTL": issuer.iat_ttl, "authTTL": issuer.auth_ttl}
            config |= {"clientId": issuer.client_id} if issuer.client_id else {}
            members["openIDConnectConfig"] = config
        case LambdaAuthorizerConfig() as authorizer:
            config = {
                "authorizerUri": authorizer.function_arn,
                "authorizerResultTtlInSeconds": authorizer.result_ttl,
            }
            expression = authorizer.identity_validation_expression
            config |= {"identityValidationExpression": expression} if expression else {}
            members["lambdaAuthorizerConfig"] = config
        case None:
            pass
    return members


def _logs(given: object) -> LogDefinition | None:
    if not isinstance(given, Mapping):
        return None
    level = cast(Literal["NONE", "ERROR", "ALL", "INFO", "DEBUG"], given["fieldLogLevel"])
    return LogDefinition(level, verbose=not given.get("excludeVerboseContent"))


def _pattern(name: str, text: str | None) -> str | None:
    if text is not None:
        try:
            re.compile(text)
        except re.error as error:
            raise bad_request(f"{name}: {text!r} is no regular expression: {error}") from None
    return text


def _integer(value: object) -> int:
    return value if isinstance(value, int) else 0
