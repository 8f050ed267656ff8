"""AWS AppSync's values as projects declare them: APIs, data sources, resolvers, keys.

Frozen; made by `projects/` from templates, compiled and kept by `graphql/service.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Signing:
    """SigV4's scope, of `awsIamConfig`."""

    region: str
    service: str


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """`endpoint` is the scheme, host and port; without `signing` requests go out as the handler wrote them."""

    endpoint: str
    signing: Signing | None = None


@dataclass(frozen=True, slots=True)
class TableConfig:
    """AMAZON_DYNAMODB. `versioned`: conflict detection is asked for."""

    table: str
    versioned: bool = False


@dataclass(frozen=True, slots=True)
class EventBusConfig:
    """AMAZON_EVENTBRIDGE."""

    event_bus_arn: str


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """RELATIONAL_DATABASE: `cluster` is `dbClusterIdentifier` (an ARN or a name), `database` the name within it."""

    cluster: str
    database: str | None = None
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """AMAZON_OPENSEARCH_SERVICE and AMAZON_ELASTICSEARCH."""

    endpoint: str
    region: str


SourceConfig: TypeAlias = HttpConfig | TableConfig | EventBusConfig | DatabaseConfig | SearchConfig


@dataclass(frozen=True, slots=True)
class DataSourceDefinition:
    """`type` is AppSync's (AWS_LAMBDA, NONE, …); `function_arn` belongs to AWS_LAMBDA, `configuration` is what the
    other types need (AMAZON_BEDROCK_RUNTIME needs nothing)."""

    name: str
    type: str
    function_arn: str | None = None
    configuration: SourceConfig | None = None


@dataclass(frozen=True, slots=True)
class ResolverCaching:
    """A resolver's `cachingConfig`: seconds, and keys such as `$context.arguments.id`; no keys: arguments, source and
    identity."""

    ttl: float
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CacheDefinition:
    """The API's cache. `ttl` in seconds."""

    behavior: Literal["FULL_REQUEST_CACHING", "PER_RESOLVER_CACHING", "OPERATION_LEVEL_CACHING"]
    ttl: float


LogLevel: TypeAlias = Literal["NONE", "ERROR", "ALL", "INFO", "DEBUG"]


@dataclass(frozen=True, slots=True)
class LogDefinition:
    """`level` is AppSync's `fieldLogLevel`; `verbose`: headers, contexts and evaluated templates are logged too."""

    level: LogLevel
    verbose: bool = True


@dataclass(frozen=True, slots=True)
class CodeDefinition:
    """The text of APPSYNC_JS code or of a VTL template, and where it came from, for messages."""

    text: str
    source: Path | None = None


@dataclass(frozen=True, slots=True)
class FunctionDefinition:
    """A pipeline function (AWS::AppSync::FunctionConfiguration): JavaScript `code`, or VTL templates."""

    id: str
    name: str
    data_source: str
    code: CodeDefinition | None
    max_batch_size: int = 0
    request_template: CodeDefinition | None = None
    response_template: CodeDefinition | None = None


@dataclass(frozen=True, slots=True)
class ResolverDefinition:
    """A resolver on `type_name.field_name`. UNIT has a data source, PIPELINE the ids of functions; without code or
    templates a unit resolver on a Lambda data source is a direct resolver."""

    type_name: str
    field_name: str
    kind: Literal["UNIT", "PIPELINE"]
    data_source: str | None = None
    functions: tuple[str, ...] = ()
    code: CodeDefinition | None = None
    max_batch_size: int = 0
    request_template: CodeDefinition | None = None
    response_template: CodeDefinition | None = None
    caching: ResolverCaching | None = None


@dataclass(frozen=True, slots=True)
class UserPoolConfig:
    """AMAZON_COGNITO_USER_POOLS. `default_action` DENY: fields without a directive are closed to the pool's users."""

    user_pool_id: str
    region: str
    default_action: Literal["ALLOW", "DENY"] = "ALLOW"
    app_id_client_regex: str | None = None


@dataclass(frozen=True, slots=True)
class OpenIdConnectConfig:
    """OPENID_CONNECT. Times to live in milliseconds since `iat` and `auth_time`; 0 asks for nothing."""

    issuer: str
    client_id: str | None = None
    iat_ttl: int = 0
    auth_ttl: int = 0


@dataclass(frozen=True, slots=True)
class LambdaAuthorizerConfig:
    """AWS_LAMBDA. `result_ttl` in seconds, for answers that say nothing else."""

    function_arn: str
    result_ttl: int = 0
    identity_validation_expression: str | None = None


ProviderConfig: TypeAlias = UserPoolConfig | OpenIdConnectConfig | LambdaAuthorizerConfig


@dataclass(frozen=True, slots=True)
class AuthenticationProvider:
    """One way into an API. `type` is AppSync's (API_KEY, AWS_IAM, …); the first two need no configuration."""

    type: str
    configuration: ProviderConfig | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key a client sends as `x-api-key`. `expires` in epoch seconds."""

    key: str
    expires: float
    description: str = ""


@dataclass(frozen=True, slots=True)
class ApiDefinition:
    """One GraphQL API. `authentication` are the ways in, the default one first. Limits of 0 are AppSync's own."""

    api_id: str
    name: str
    authentication: tuple[AuthenticationProvider, ...]
    schema: str
    schema_source: Path | None = None
    data_sources: tuple[DataSourceDefinition, ...] = ()
    functions: tuple[FunctionDefinition, ...] = ()
    resolvers: tuple[ResolverDefinition, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    query_depth_limit: int = 0
    resolver_count_limit: int = 0
    introspection: bool = True
    cache: CacheDefinition | None = None
    logs: LogDefinition | None = None

    @property
    def default_mode(self) -> str:
        return self.authentication[0].type
