"""The types of a schema's text: read one by one, put in and taken out; and the schema as clients ask for it. Pure.

Texts that come in have been checked as a whole by `graphql/schema.py`, or are before they are kept.
https://docs.aws.amazon.com/appsync/latest/APIReference/API_Type.html, …/API_GetIntrospectionSchema.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from callpark.graphql.control.refusals import bad_request, no_schema, type_not_found
from callpark.graphql.schema import build_schema
from callpark.kernel.errors import ProjectError
from graphql import (
    REMOVE,
    DocumentNode,
    GraphQLSyntaxError,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    Visitor,
    introspection_from_schema,
    parse,
    print_ast,
    visit,
)

_ROOTS = {"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}


@dataclass(frozen=True, slots=True)
class TypeText:
    """One definition of a schema, and where it stands in the text."""

    name: str
    description: str | None
    sdl: str
    start: int
    end: int


@lru_cache(maxsize=2)
def types_of(schema: str) -> Mapping[str, TypeText]:
    """The types that the text defines, by name."""
    if not schema.strip():
        return {}
    return {each.name: each for each in _texts(_parsed(schema))}


def type_of(schema: str, name: str) -> TypeText:
    """Raises CallerError."""
    found = types_of(schema).get(name)
    if found is None:
        raise type_not_found(name)
    return found


def type_json(schema: str, name: str) -> str:
    """The type as introspection describes it. Raises CallerError."""
    described = _descriptions(schema).get(name)
    if described is None:
        raise type_not_found(name)
    return described


def single_type(definition: str) -> TypeText:
    """The one type that a CreateType's or UpdateType's text defines. Raises CallerError."""
    found = list(_texts(_parsed(definition)))
    if len(found) != 1:
        raise bad_request(f"The definition must define one type, it defines {len(found)}.")
    return found[0]


def with_type(schema: str, definition: str) -> str:
    """The text with one more type. Raises CallerError when there is one of the name."""
    name = single_type(definition).name
    if name in types_of(schema):
        raise bad_request(f"Type {name} already exists.")
    return f"{schema.rstrip()}\n\n{definition.strip()}\n".lstrip()


def with_changed_type(schema: str, name: str, definition: str) -> str:
    """The text with another definition of a type. Raises CallerError."""
    former = type_of(schema, name)
    if single_type(definition).name != name:
        raise bad_request(f"The definition does not define the type {name}.")
    return f"{schema[: former.start]}{definition.strip()}{schema[former.end :]}"


def without_type(schema: str, name: str) -> str:
    """The text without a type. Raises CallerError."""
    former = type_of(schema, name)
    return f"{schema[: former.start].rstrip()}\n\n{schema[former.end :].lstrip()}".strip() + "\n"


def schema_sdl(schema: str, *, directives: bool) -> str:
    """The whole schema as AppSync prints it: the roots first, without comments. Raises CallerError without one."""
    if not schema.strip():
        raise no_schema()
    document = _parsed(schema)
    if not directives:
        document = visit(document, _WithoutDirectives())
    printed = print_ast(document).strip() + "\n"
    if any(isinstance(node, SchemaDefinitionNode | SchemaExtensionNode) for node in document.definitions):
        return printed
    defined = {each.name for each in _texts(document)}
    roots = "".join(f"  {operation}: {name}\n" for operation, name in _ROOTS.items() if name in defined)
    return f"schema {{\n{roots}}}\n\n{printed}"


def schema_json(schema: str, *, directives: bool) -> str:
    """What the introspection query answers. Raises CallerError without a schema."""
    if not schema.strip():
        raise no_schema()
    described = _introspected(schema)
    if not directives:
        described["__schema"]["directives"] = []
    return orjson.dumps({"data": described}, option=orjson.OPT_INDENT_2).decode()


@lru_cache(maxsize=1)
def _descriptions(schema: str) -> Mapping[str, str]:
    """Every type by name, in JSON. Remembered: a list of types asks for one after another."""
    return {each["name"]: orjson.dumps(each).decode() for each in _introspected(schema)["__schema"]["types"]}


def _introspected(schema: str) -> dict[str, Any]:
    try:
        built = build_schema(schema, "schema").graphql
    except ProjectError as error:
        raise bad_request(error.cause) from None
    return dict(introspection_from_schema(built))


def _texts(document: DocumentNode) -> Iterator[TypeText]:
    for node in document.definitions:
        if isinstance(node, TypeDefinitionNode) and node.loc is not None:
            description = None if node.description is None else node.description.value
            yield TypeText(node.name.value, description, print_ast(node), node.loc.start, node.loc.end)


def _parsed(text: str) -> DocumentNode:
    try:
        return parse(text)
    except GraphQLSyntaxError as error:
        where = "".join(f" at {place.line}:{place.column}" for place in (error.locations or [])[:1])
        raise bad_request(f"The definition is not valid SDL{where}: {error.message}") from None
    except RecursionError:
        raise bad_request("The definition is nested too deeply.") from None


class _WithoutDirectives(Visitor):
    def enter_directive(self, *_: object) -> object:
        return REMOVE

    def enter_directive_definition(self, *_: object) -> object:
        return REMOVE


@lru_cache(maxsize=8)
def fields_of(schema: str) -> Mapping[str, frozenset[str]]:
    """The fields of every object type, extensions included. Remembered: a client makes resolvers one by one."""
    found: dict[str, frozenset[str]] = {}
    for node in _parsed(schema).definitions if schema.strip() else ():
        if isinstance(node, ObjectTypeDefinitionNode | ObjectTypeExtensionNode):
            names = frozenset(each.name.value for each in node.fields or ())
            found[node.name.value] = found.get(node.name.value, frozenset()) | names
    return found
