"""Selection sets: which fields an operation asks of a type, and how AppSync tells resolvers about it. Pure.

Used by `plan.py`, `publications.py` and `subscriptions.py`. @skip and @include are decided here, once per combination
of the Boolean variables they name: a plan is compiled for one combination and never looks again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    print_ast,
)

Fragments: TypeAlias = Mapping[str, FragmentDefinitionNode]
Switches: TypeAlias = Mapping[str, bool]
"""Values of the variables that @skip and @include name."""

FieldGroups: TypeAlias = dict[str, list[FieldNode]]
"""Response key → the field nodes that ask for it, in order of first appearance."""


def switch_names(operation: OperationDefinitionNode, fragments: Fragments) -> tuple[str, ...]:
    """Variables that decide what is selected, in a fixed order."""
    names: set[str] = set()
    seen: set[str] = set()

    def walk(selections: Iterable[SelectionNode]) -> None:
        for node in selections:
            for directive in node.directives or ():
                if directive.name.value in ("skip", "include"):
                    names.update(a.value.name.value for a in directive.arguments if isinstance(a.value, VariableNode))
            if isinstance(node, FragmentSpreadNode):
                if node.name.value not in seen:
                    seen.add(node.name.value)
                    walk(fragments[node.name.value].selection_set.selections)
            elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
                walk(node.selection_set.selections)

    walk(operation.selection_set.selections)
    return tuple(sorted(names))


class Selector:
    """Collects fields under one combination of switches."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, switches: Switches) -> None:
        self._schema = schema
        self._fragments = fragments
        self._switches = switches

    def fields(self, parent: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> FieldGroups:
        """What the merged selection sets ask of `parent`."""
        groups: FieldGroups = {}
        visited: set[str] = set()
        for selection_set in sets:
            self._collect(parent, selection_set.selections, groups, visited)
        return groups

    def _collect(
        self, parent: GraphQLObjectType, selections: Iterable[SelectionNode], groups: FieldGroups, visited: set[str]
    ) -> None:
        for node in selections:
            if not self.included(node):
                continue
            if isinstance(node, FieldNode):
                groups.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                if condition is None or self._applies(condition.name.value, parent):
                    self._collect(parent, node.selection_set.selections, groups, visited)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in visited:
                visited.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, parent):
                    self._collect(parent, fragment.selection_set.selections, groups, visited)

    def included(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            name = directive.name.value
            if name == "skip" and self._condition(directive):
                return False
            if name == "include" and not self._condition(directive):
                return False
        return True

    def _condition(self, directive: DirectiveNode) -> bool:
        value = directive.arguments[0].value
        if isinstance(value, VariableNode):
            return self._switches[value.name.value]
        return isinstance(value, BooleanValueNode) and value.value

    def _applies(self, condition: str, parent: GraphQLObjectType) -> bool:
        if condition == parent.name:
            return True
        named = self._schema.type_map[condition]
        return isinstance(named, GraphQLInterfaceType | GraphQLUnionType) and self._schema.is_sub_type(named, parent)

    def names(self, sets: Iterable[SelectionSetNode], parent_name: str, prefix: str = "") -> Iterator[str]:
        """AppSync's `selectionSetList`: paths `a`, `a/b`, by alias; of fragments only those on the type itself."""
        for selection_set in sets:
            for node in selection_set.selections:
                if not self.included(node):
                    continue
                if isinstance(node, FieldNode):
                    key = prefix + (node.alias.value if node.alias else node.name.value)
                    yield key
                    if node.selection_set:
                        yield from self.names([node.selection_set], "", f"{key}/")
                elif isinstance(node, InlineFragmentNode):
                    condition = node.type_condition
                    if not parent_name or condition is None or condition.name.value == parent_name:
                        yield from self.names([node.selection_set], parent_name, prefix)
                elif isinstance(node, FragmentSpreadNode):
                    fragment = self._fragments[node.name.value]
                    if not parent_name or fragment.type_condition.name.value == parent_name:
                        yield from self.names([fragment.selection_set], parent_name, prefix)

    def filter(self, data: object, sets: Sequence[SelectionSetNode]) -> object:
        """`data` without the members that are not selected: what `util.error` may show of it."""
        if not sets:
            return data
        if isinstance(data, list):
            return [self.filter(item, sets) for item in data]
        if not isinstance(data, Mapping):
            return data
        kept: dict[str, object] = {}
        for node in self._flat(sets):
            name = node.name.value
            if name in data:
                kept[name] = self.filter(data[name], [node.selection_set] if node.selection_set else [])
        return kept

    def _flat(self, sets: Iterable[SelectionSetNode]) -> Iterator[FieldNode]:
        for selection_set in sets:
            for node in selection_set.selections:
                if not self.included(node):
                    continue
                if isinstance(node, FieldNode):
                    yield node
                elif isinstance(node, InlineFragmentNode):
                    yield from self._flat([node.selection_set])
                elif isinstance(node, FragmentSpreadNode):
                    yield from self._flat([self._fragments[node.name.value].selection_set])


def selection_text(sets: Sequence[SelectionSetNode]) -> str:
    """AppSync's `selectionSetGraphQL`: the selection as written, fragments unexpanded."""
    if not sets:
        return ""
    if len(sets) == 1:
        return print_ast(sets[0])
    return print_ast(SelectionSetNode(selections=tuple(node for each in sets for node in each.selections)))


def locations(nodes: Iterable[Node]) -> tuple[dict[str, object], ...]:
    """AppSync's `locations` of nodes."""
    return tuple(
        {"line": node.loc.start_token.line, "column": node.loc.start_token.column, "sourceName": None}
        for node in nodes
        if node.loc is not None
    )
