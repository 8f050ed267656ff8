"""An API's schema: SDL with AWS's directives and scalars → `ApiSchema`, or a ProjectError that says where and what.

Called by `service.py` when APIs are applied. The directives and scalars are AppSync's own and need no declaration; a
project that declares them for its editor's sake is understood.
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html, …/aws-appsync-real-time-data.html
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from graphql.validation.validate import validate_sdl

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
    field_modes  (type, field) → authorisation modes its own directives name
    type_modes   type → authorisation modes its directives name
    """

    graphql: GraphQLSchema
    subscribed: Mapping[str, tuple[str, ...]]
    field_modes: Mapping[tuple[str, str], frozenset[str]]
    type_modes: Mapping[str, frozenset[str]]
    warnings: tuple[str, ...]

    @property
    def published(self) -> frozenset[str]:
        """Mutation fields that some subscription listens to."""
        return frozenset(name for mutations in self.subscribed.values() for name in mutations)

    def permits(self, mode: str, default_mode: str, type_name: str, field_name: str) -> bool:
        """Whether a caller of `mode` may see the field: its directives replace its type's, none means the default."""
        if type_name.startswith("__") or field_name.startswith("__"):
            return True
        modes = self.field_modes.get((type_name, field_name)) or self.type_modes.get(type_name)
        return mode == default_mode if modes is None else mode in modes


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
    return ProjectError(f"{source}{where}: {error.message}", "correct the schema; the API keeps its last good version")


def _refuse(errors: Iterable[GraphQLError], source: str) -> None:
    for error in errors:
        raise _problem(error, source)


def _read_directives(schema: GraphQLSchema, source: str) -> ApiSchema:
    field_modes: dict[tuple[str, str], frozenset[str]] = {}
    type_modes: dict[str, frozenset[str]] = {}
    subscribed: dict[str, tuple[str, ...]] = {}
    warnings: list[str] = []
    unacted: set[str] = set()
    for type_name, named in schema.type_map.items():
        if not isinstance(named, GraphQLObjectType) or named.ast_node is None:
            continue
        on_type = [*(named.ast_node.directives or ())]
        for extension in named.extension_ast_nodes or ():
            on_type += extension.directives or ()
        modes = _modes(on_type, unacted)
        if modes:
            type_modes[type_name] = modes
        for field_name, field in named.fields.items():
            directives = (field.ast_node.directives if field.ast_node else None) or ()
            if modes := _modes(directives, unacted):
                field_modes[type_name, field_name] = modes
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
    return ApiSchema(schema, subscribed, field_modes, type_modes, tuple(warnings))


def _modes(directives: Iterable[DirectiveNode], unacted: set[str]) -> frozenset[str]:
    found: set[str] = set()
    for directive in directives:
        name = directive.name.value
        if name in _MODE_OF_DIRECTIVE:
            found.add(_MODE_OF_DIRECTIVE[name])
            if directive.arguments:
                unacted.add(f"@{name}(cognito_groups:)")
        elif name in _ACCEPTED_WITHOUT_EFFECT:
            unacted.add(f"@{name}")
    return frozenset(found)


def _mutations(
    schema: GraphQLSchema, field_name: str, field: GraphQLField, directive: DirectiveNode, source: str
) -> tuple[str, ...]:
    values = [a.value for a in directive.arguments or () if a.name.value == "mutations"]
    listed = values[0].values if values and isinstance(values[0], ListValueNode) else tuple(values)
    names = tuple(dict.fromkeys(node.value for node in listed if isinstance(node, StringValueNode)))
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
