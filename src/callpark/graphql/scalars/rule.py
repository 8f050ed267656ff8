"""What an AWS scalar is to the rest of the slice: three functions. Used by `schema.py` through `scalars.table`."""

from collections.abc import Callable
from dataclasses import dataclass

from graphql import GraphQLError, StringValueNode, ValueNode


@dataclass(frozen=True, slots=True)
class ScalarRule:
    """`check` turns a JSON value into what resolvers get, `literal` one written in the query, `serialize` what a
    resolver returned into what the client gets. All raise GraphQLError."""

    check: Callable[[object], object]
    literal: Callable[[ValueNode], object]
    serialize: Callable[[object], object]


def text_rule(name: str, valid: Callable[[str], bool]) -> ScalarRule:
    """A scalar that is a string on both sides and passes unchanged when `valid` says so."""

    def check(value: object) -> object:
        if isinstance(value, str) and valid(value):
            return value
        raise GraphQLError(f"Unable to parse `{shown(value)}` as a valid {name}.")

    def literal(node: ValueNode) -> object:
        return check(node.value if isinstance(node, StringValueNode) else node)

    return ScalarRule(check, literal, check)


def shown(value: object) -> str:
    """A value short enough for a message."""
    text = getattr(value, "value", value)
    return str(text)[:200]
