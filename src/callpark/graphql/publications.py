"""What a mutation publishes: its completed result with aliases mapped back to field names. Pure.

Compiled by `plan.py` for the mutation fields that some `@aws_subscribe` names.
https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-data.html
"""

from collections.abc import Callable
from typing import TypeAlias

from callpark.graphql.completion import TypedObject
from callpark.graphql.selection import Selector
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    SelectionSetNode,
    get_named_type,
)

Shape: TypeAlias = Callable[[object], object]


def published_shape(
    schema: GraphQLSchema, selector: Selector, output: GraphQLOutputType, sets: list[SelectionSetNode]
) -> Shape:
    """A function from the completed value of `output` to what `Publication.value` holds."""
    named = get_named_type(output)
    if isinstance(named, GraphQLObjectType):
        return _listed(_object(schema, selector, named, sets))
    if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
        by_name = {each.name: _object(schema, selector, each, sets) for each in schema.get_possible_types(named)}

        def concrete(value: object) -> object:
            return by_name[value.type_name](value) if isinstance(value, TypedObject) else value

        return _listed(concrete)
    return lambda value: value


def _object(
    schema: GraphQLSchema, selector: Selector, parent: GraphQLObjectType, sets: list[SelectionSetNode]
) -> Shape:
    members: list[tuple[str, str, Shape]] = []
    for key, nodes in selector.fields(parent, sets).items():
        name = nodes[0].name.value
        if name == "__typename":
            continue
        deeper = [node.selection_set for node in nodes if node.selection_set]
        members.append((key, name, published_shape(schema, selector, parent.fields[name].type, deeper)))

    def run(value: object) -> object:
        if not isinstance(value, dict):
            return value
        out: dict[str, object] = {"__typename": parent.name}
        for key, name, shape in members:
            out[name] = _merged(out.get(name), shape(value[key]))
        return out

    return run


def _listed(shape: Shape) -> Shape:
    def run(value: object) -> object:
        return [run(item) for item in value] if isinstance(value, list) else shape(value)

    return run


def _merged(first: object, second: object) -> object:
    """A field selected twice under two aliases: the members of both."""
    if isinstance(first, dict) and isinstance(second, dict):
        return {**first, **second}
    return first if second is None else second
