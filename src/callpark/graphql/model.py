"""AWS AppSync's values as projects declare them: APIs, data sources, resolvers, keys.

Frozen; made by `projects/` from templates, compiled and kept by `graphql/service.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class DataSourceDefinition:
    """`type` is AppSync's (AWS_LAMBDA, NONE, …); `function_arn` belongs to AWS_LAMBDA."""

    name: str
    type: str
    function_arn: str | None = None


@dataclass(frozen=True, slots=True)
class CodeDefinition:
    """APPSYNC_JS source text and where it came from, for messages."""

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
    request_template: str | None = None
    response_template: str | None = None


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
    request_template: str | None = None
    response_template: str | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key a client sends as `x-api-key`. `expires` in epoch seconds."""

    key: str
    expires: float
    description: str = ""


@dataclass(frozen=True, slots=True)
class ApiDefinition:
    """One GraphQL API. `authentication_type` is AppSync's (API_KEY, AWS_IAM, …)."""

    api_id: str
    name: str
    authentication_type: str
    schema: str
    schema_source: Path | None = None
    data_sources: tuple[DataSourceDefinition, ...] = ()
    functions: tuple[FunctionDefinition, ...] = ()
    resolvers: tuple[ResolverDefinition, ...] = ()
    api_keys: tuple[ApiKey, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    additional_authentication_types: tuple[str, ...] = ()
