"""An API's schema: SDL with AWS's directives and scalars → `ApiSchema`, or a ProjectError that says where and what.

Called by `service.py` when APIs are applied. The directives and scalars are AppSync's own and need no declaration; a
project that declares them for its editor's sake is understood.
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html, …/aws-appsync-real-time-data.html
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from graphql.validation.validate import validate_sdl

from callpark.graphql.auth.access import Grant, Rules
from callpark.graphql.scalars.table import AWS_SCALARS
from callpark.kernel.errors import ProjectError
from graphql import (
    DefinitionNode,
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLSyntaxError,
    ListValueNode,
    ScalarTypeDefinitionNode,
    StringValueNode,
    TypeDefinitionNode,
    ValueNode,
    build_ast_schema,
    parse,
    validate_schema,
)

_PRELUDE = """
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
directive @aws_publish(subscriptions: [String!]) on FIELD_DEFINITION
directive @aws_auth(cognito_groups: [String!]) on FIELD_DEFINITION | OBJECT
directive @aws_api_key on FIELD_DEFINITION | OBJECT
directive @aws_iam on FIELD_DEFINITION | OBJECT
directive @aws_oidc on FIELD_DEFINITION | OBJECT
directive @aws_lambda on FIELD_DEFINITION | OBJECT
directive @aws_cognito_user_pools(cognito_groups: [String!]) on FIELD_DEFINITION | OBJECT
directive @canonical on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR | FIELD_DEFINITION
directive @hidden on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR | FIELD_DEFINITION
directive @renamed(to: String!) on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR | FIELD_DEFINITION
""" + "\n".join(f"scalar {name}" for name in AWS_SCALARS)

_MODE_OF_DIRECTIVE = {
    "aws_api_key": "API_KEY",
    "aws_iam": "AWS_IAM",
    "aws_oidc": "OPENID_CONNECT",
    "aws_lambda": "AWS_LAMBDA",
    "aws_cognito_user_pools": "AMAZON_COGNITO_USER_POOLS",
    "aws_auth": "AMAZON_COGNITO_USER_POOLS",
}
_ACCEPTED_WITHOUT_EFFECT = ("aws_publish", "canonical", "hidden", "renamed")


@dataclass(frozen=True, slots=True)
class ApiSchema:
    """A valid schema and what its AWS directives say.

    subscribed   subscription field → names of the mutation fields that feed it
    rules        which callers may see which fields
    """

    graphql: GraphQLSchema
    subscribed: Mapping[str, tuple[str, ...]]
    rules: Rules
    warnings: tuple[str, ...]

    @property
    def published(self) -> frozenset[str]:
        """Mutation fields that some subscription listens to."""
        return frozenset(name for mutations in self.subscribed.values() for name in mutations)


def build_schema(sdl: str, source: str) -> ApiSchema:
    """`source` is how messages name the file. Raises ProjectError."""
    document = _parse(sdl, source)
    _refuse(validate_sdl(document), source)
    try:
        schema = build_ast_schema(document, assume_valid_sdl=True)
    except TypeError as error:
        raise ProjectError(f"{source}: {error}", "correct the schema") from error
    _refuse(validate_schema(schema), source)
    for name, rule in AWS_SCALARS.items():
        scalar = schema.type_map.get(name)
        if isinstance(scalar, GraphQLScalarType):
            # Instance attributes are graphql-core's own extension point for scalars of schemas built from SDL.
            vars(scalar).update(serialize=rule.serialize, parse_value=rule.check, parse_literal=_literal(rule.literal))
    return _read_directives(schema, source)


def _literal(read: Callable[[ValueNode], object]) -> Callable[[ValueNode, object], object]:
    def parse_literal(node: ValueNode, variables: object = None) -> object:
        return read(node)

    return parse_literal


def _parse(sdl: str, source: str) -> DocumentNode:
    try:
        brought = parse(sdl)
    except GraphQLSyntaxError as error:
        raise _problem(error, source) from error
    except RecursionError as error:
        raise ProjectError(f"{source}: the schema is nested too deeply", "simplify the schema") from error
    prelude = parse(_PRELUDE, no_location=True)
    ours = {name for node in prelude.definitions if (name := _name(node)) is not None}
    kept: list[DefinitionNode] = []
    for node in brought.definitions:
        name = _name(node)
        if name in ours and isinstance(node, DirectiveDefinitionNode | ScalarTypeDefinitionNode):
            continue
        if isinstance(node, ScalarTypeDefinitionNode):
            raise ProjectError(
                f"{source}:{_position(node)}: custom scalar '{name}': AppSync has no custom scalars",
                f"use a built-in one: {', '.join(AWS_SCALARS)}, ID, String, Int, Float, Boolean",
            )
        if name is not None and name.startswith("AWS") and isinstance(node, TypeDefinitionNode):
            raise ProjectError(
                f"{source}:{_position(node)}: type '{name}': names that begin with AWS are reserved for AppSync",
                "give the type another name",
            )
        kept.append(node)
    return DocumentNode(definitions=(*kept, *prelude.definitions))


def _name(node: DefinitionNode) -> str | None:
    name = getattr(node, "name", None)
    return None if name is None else cast(str, name.value)


def _position(node: object) -> str:
    location = getattr(node, "loc", None)
    if location is None:
        return "1:1"
    return f"{location.start_token.line}:{location.start_token.column}"


def _problem(error: GraphQLError, source: str) -> ProjectError:
    where = "".join(f":{place.line}:{place.column}" for place in (error.locations or [])[:1])
    return ProjectError(f"{source}{where}: {error.message}", "correct the schema")


def _refuse(errors: Iterable[GraphQLError], source: str) -> None:
    for error in errors:
        raise _problem(error, source)


def _read_directives(schema: GraphQLSchema, source: str) -> ApiSchema:
    field_grants: dict[tuple[str, str], tuple[Grant, ...]] = {}
    type_grants: dict[str, tuple[Grant, ...]] = {}
    subscribed: dict[str, tuple[str, ...]] = {}
    warnings: list[str] = []
    unacted: set[str] = set()
    for type_name, named in schema.type_map.items():
        if not isinstance(named, GraphQLObjectType) or named.ast_node is None:
            continue
        on_type = [*(named.ast_node.directives or ())]
        for extension in named.extension_ast_nodes or ():
            on_type += extension.directives or ()
        grants = _grants(on_type, unacted)
        if grants:
            type_grants[type_name] = grants
        for field_name, field in named.fields.items():
            directives = (field.ast_node.directives if field.ast_node else None) or ()
            if grants := _grants(directives, unacted):
                field_grants[type_name, field_name] = grants
            for directive in directives:
                if directive.name.value != "aws_subscribe":
                    continue
                if named is schema.subscription_type:
                    subscribed[field_name] = _mutations(schema, field_name, field, directive, source)
                else:
                    warnings.append(f"{source}: @aws_subscribe on {type_name}.{field_name} has no effect")
    if schema.subscription_type is not None:
        warnings += [
            f"{source}: Subscription.{name} has no @aws_subscribe, nothing will be published to it"
            for name in schema.subscription_type.fields
            if name not in subscribed
        ]
    warnings += [f"{source}: {name} is accepted and has no effect yet" for name in sorted(unacted)]
    return ApiSchema(schema, subscribed, Rules(field_grants, type_grants), tuple(warnings))


def _grants(directives: Iterable[DirectiveNode], unacted: set[str]) -> tuple[Grant, ...]:
    found: list[Grant] = []
    for directive in directives:
        name = directive.name.value
        if name in _MODE_OF_DIRECTIVE:
            groups = _texts(directive, "cognito_groups")
            found.append(Grant(_MODE_OF_DIRECTIVE[name], None if groups is None else frozenset(groups)))
        elif name in _ACCEPTED_WITHOUT_EFFECT:
            unacted.add(f"@{name}")
    return tuple(found)


def _texts(directive: DirectiveNode, argument: str) -> tuple[str, ...] | None:
    """A list argument of strings; GraphQL takes a single one for a list of one. None without it."""
    values = [each.value for each in directive.arguments or () if each.name.value == argument]
    if not values:
        return None
    listed = values[0].values if isinstance(values[0], ListValueNode) else tuple(values)
    return tuple(dict.fromkeys(node.value for node in listed if isinstance(node, StringValueNode)))


def _mutations(
    schema: GraphQLSchema, field_name: str, field: GraphQLField, directive: DirectiveNode, source: str
) -> tuple[str, ...]:
    names = _texts(directive, "mutations") or ()
    mutations = schema.mutation_type.fields if schema.mutation_type is not None else {}
    for name in names:
        where = f"{source}:{_position(directive)}: @aws_subscribe on Subscription.{field_name}"
        if name not in mutations:
            raise ProjectError(f"{where} names '{name}', which is no field of Mutation", "name a mutation field")
        if _bare(mutations[name]) != _bare(field):
            raise ProjectError(
                f"{where}: it returns {field.type}, but the mutation '{name}' returns {mutations[name].type}",
                "let both return the same type",
            )
    return names


def _bare(field: GraphQLField) -> str:
    return str(field.type).rstrip("!")
