"""Which declaration each name of the code means. Pure; called by `module.py` for the rules that need it.

One pass collects the declarations and the references, a second one resolves them: functions and `var` are hoisted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from callpark.graphql.runtimes.js import syntax
from callpark.graphql.runtimes.js.syntax import FUNCTIONS, Source, has_token, names_in

_BLOCKS = frozenset(
    ("statement_block", "for_in_statement", "for_statement", "switch_body", "catch_clause", "class_body")
)
_NAMES = frozenset(("identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"))
_SEEN = _NAMES | {
    "variable_declarator",
    "class_declaration",
    "import_statement",
    "import_specifier",
    "export_specifier",
}
_LITERALS = {"string": "String", "template_string": "String", "array": "Array"}


@dataclass(eq=False, slots=True)
class Binding:
    """A declared name. `value` is the node it was initialised with, `imported` the (module, member) it stands for:
    member "*" is the module itself. `parameter_of` is the function whose first parameter it is."""

    name: str
    node: Node
    value: Node | None = None
    imported: tuple[str, str] | None = None
    parameter_of: Node | None = None


@dataclass(eq=False, slots=True)
class Scope:
    """`end` is the offset at which the scope ends."""

    parent: "Scope | None"
    function: Node | None
    end: int
    names: dict[str, Binding] = field(default_factory=dict)

    def find(self, name: str) -> Binding | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a name. `function` is the innermost function it stands in."""

    name: str
    node: Node
    binding: Binding | None
    function: Node | None


@dataclass(frozen=True, slots=True)
class Names:
    """What the pass found; nodes are found by their ids."""

    references: tuple[Reference, ...]
    by_node: dict[int, Binding | None]
    top: Scope

    def function_of(self, node: Node) -> Node | None:
        """The function that an expression evidently is: a literal, or a name bound to one."""
        node = syntax.bare(node)
        if node.type in FUNCTIONS:
            return node
        binding = self.by_node.get(node.id)
        return binding.value if binding is not None and binding.value and binding.value.type in FUNCTIONS else None

    def type_of(self, node: Node) -> str | None:
        """ "String", "Array" or "Date" where the code shows it: a literal, `new Date()`, a name for one."""
        node = syntax.bare(node)
        binding = self.by_node.get(node.id)
        shown = node if binding is None or binding.value is None else binding.value
        if shown.type == "new_expression":
            return "Date" if self.is_global(syntax.field(shown, "constructor"), "Date") else None
        return _LITERALS.get(shown.type)

    def is_global(self, node: Node, *names: str) -> bool:
        return node.id in self.by_node and self.by_node[node.id] is None and (node.text or b"").decode() in names


def read_names(source: Source) -> Names:
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._top = Scope(None, None, len(source.data) + 1)
        self._scope = self._top
        self._declaring: set[int] = set()
        self._uses: list[tuple[Node, Scope]] = []

    def read(self) -> Names:
        for node, kind in self._source.nodes:
            while node.start_byte >= self._scope.end and self._scope.parent is not None:
                self._scope = self._scope.parent
            if kind in FUNCTIONS or kind in _BLOCKS:
                self._enter(node, kind)
            elif kind in _SEEN:
                self._see(node, kind)
        references = [
            Reference(name, node, scope.find(name), scope.function)
            for node, scope in self._uses
            if node.id not in self._declaring
            for name in (self._source.of(node),)
        ]
        return Names(tuple(references), {each.node.id: each.binding for each in references}, self._top)

    def _enter(self, node: Node, kind: str) -> None:
        function = node if kind in FUNCTIONS else self._scope.function
        if kind == "function_declaration" or kind == "generator_function_declaration":
            self._declare(node.child_by_field_name("name"), value=node)
        self._scope = Scope(self._scope, function, node.end_byte)
        if kind == "function_expression":
            self._declare(node.child_by_field_name("name"), value=node)
        if kind in FUNCTIONS:
            for index, parameter in enumerate(_parameters(node)):
                self._declare_all(parameter, parameter_of=node if index == 0 else None)
        elif kind == "for_in_statement" and node.child_by_field_name("kind") is not None:
            self._declare_all(syntax.field(node, "left"), hoisted=has_token(node, "var"))
        elif kind == "catch_clause" and (caught := node.child_by_field_name("parameter")) is not None:
            self._declare_all(caught)

    def _see(self, node: Node, kind: str) -> None:
        if kind in _NAMES:
            self._uses.append((node, self._scope))
        elif kind == "variable_declarator":
            pattern = syntax.field(node, "name")
            above = self._source.parent(node)
            hoisted = above is not None and above.type == "variable_declaration"
            value = node.child_by_field_name("value") if pattern.type == "identifier" else None
            self._declare_all(pattern, value=value and syntax.bare(value), hoisted=hoisted)
        elif kind == "class_declaration":
            self._declare(node.child_by_field_name("name"))
        elif kind == "import_statement":
            for binding_node, imported in imports_of(self._source, node):
                self._declare(binding_node, imported=imported)
        elif kind == "import_specifier" and node.child_by_field_name("alias") is not None:
            self._declaring.add(syntax.field(node, "name").id)
        elif kind == "export_specifier" and (shown := node.child_by_field_name("alias")) is not None:
            self._declaring.add(shown.id)

    def _declare_all(
        self, pattern: Node, value: Node | None = None, hoisted: bool = False, parameter_of: Node | None = None
    ) -> None:
        for name in names_in(pattern):
            self._declare(
                name, value=value, hoisted=hoisted, parameter_of=parameter_of if pattern.type == "identifier" else None
            )

    def _declare(
        self,
        name: Node | None,
        value: Node | None = None,
        imported: tuple[str, str] | None = None,
        hoisted: bool = False,
        parameter_of: Node | None = None,
    ) -> None:
        if name is None:
            return
        self._declaring.add(name.id)
        scope = self._scope
        while hoisted and scope.parent is not None and scope.parent.function is scope.function:
            scope = scope.parent
        text = self._source.of(name)
        scope.names.setdefault(text, Binding(text, name, value, imported, parameter_of))


def _parameters(function: Node) -> list[Node]:
    single = function.child_by_field_name("parameter")
    if single is not None:
        return [single]
    several = function.child_by_field_name("parameters")
    return [] if several is None else [each for each in several.named_children if each.type != "comment"]


def imports_of(source: Source, statement: Node) -> Iterator[tuple[Node, tuple[str, str]]]:
    """The names an import statement binds, with (module, member); "default" and "*" are members too."""
    module = module_of(source, statement)
    for clause in statement.named_children:
        if clause.type != "import_clause":
            continue
        for part in clause.named_children:
            if part.type == "identifier":
                yield part, (module, "default")
            elif part.type == "namespace_import":
                yield part.named_children[0], (module, "*")
            elif part.type == "named_imports":
                for specifier in part.named_children:
                    if specifier.type == "import_specifier":
                        name = syntax.field(specifier, "name")
                        yield specifier.child_by_field_name("alias") or name, (module, source.of(name).strip("'\""))


def module_of(source: Source, statement: Node) -> str:
    named = statement.child_by_field_name("source")
    return "" if named is None else source.of(named)[1:-1]
