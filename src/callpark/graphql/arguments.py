"""Arguments of a field, coerced: once when they are written out, for each execution when variables are in them. Pure.

Used by `plan.py` and `subscriptions.py`.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from graphql.execution.values import get_argument_values

from callpark.graphql.execution import Execution
from graphql import FieldNode, GraphQLField, VariableNode, Visitor, visit

Arguments: TypeAlias = Callable[[Execution], Mapping[str, object]]

_NO_ARGUMENTS: Mapping[str, object] = {}


def field_arguments(definition: GraphQLField, node: FieldNode) -> Arguments:
    """Coerced arguments of a field; worked out once when no variable is involved."""
    if not definition.args:
        return lambda execution: _NO_ARGUMENTS
    if not uses_variables(node):
        constant = get_argument_values(definition, node, {})
        return lambda execution: constant
    return lambda execution: get_argument_values(definition, node, execution.variables)


def uses_variables(node: FieldNode) -> bool:
    """Whether a field's arguments name a variable."""

    class Finder(Visitor):
        found = False

        def enter_variable(self, node: VariableNode, *_: object) -> None:
            self.found = True

    finder = Finder()
    for argument in node.arguments or ():
        visit(argument, finder)
    return finder.found
