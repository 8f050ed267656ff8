"""A resolver's ES module rewritten as a script that evaluates to a factory. Pure; called by `host.py` at load.

The engine's own modules cannot be called per evaluation, so `import` becomes `const`, `export` falls away, and the
whole becomes a function that is called afresh for each evaluation: no state survives from one request to the next, as
in the service. Lines stay as they are in the code, one further down; `positions.py` finds the columns again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tree_sitter import Node

from callpark.graphql.runtimes.js import surface, syntax
from callpark.graphql.runtimes.js.language import check_language, undeclared, undocumented
from callpark.graphql.runtimes.js.positions import Edit, Positions
from callpark.graphql.runtimes.js.scopes import imports_of, module_of, read_names
from callpark.graphql.runtimes.js.sourcemap import inline_map
from callpark.graphql.runtimes.js.syntax import CodeError, Source, names_in, syntax_errors

_DEEPEST = 1_000
"""Our rule: nesting of the syntax tree; the engine's own parser gives up not far from there."""


_MOST_ERRORS = 100


class BrokenCode(Exception):
    """The code cannot be loaded; `errors` say why, at least one."""

    def __init__(self, errors: Sequence[CodeError]) -> None:
        super().__init__(errors[0].value)
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class Script:
    """`text` evaluates to a factory `(importModule, importName, turn) → {exported name: value}`."""

    text: str
    exports: frozenset[str]
    warnings: tuple[str, ...] = ()
    positions: Positions = field(default_factory=lambda: Positions(Source(""), [], None))


def to_script(code: str, characters_at_most: int) -> Script:
    """Raises BrokenCode."""
    if len(code) > characters_at_most:
        raise BrokenCode([CodeError("code-size", f"the code has more than {characters_at_most} characters", 1, 1)])
    try:
        source = Source(code)
    except UnicodeEncodeError:
        raise BrokenCode([CodeError("syntax", "TS1127: Invalid character.", 1, 1)]) from None
    if syntax.is_too_deep(source.root, _DEEPEST):
        raise BrokenCode([CodeError("depth", f"the code nests deeper than {_DEEPEST} levels", 1, 1)])
    errors = syntax_errors(source)
    if errors:
        raise BrokenCode(errors)
    names = read_names(source)
    module = _Module(source)
    refused = sorted([*module.errors, *check_language(source, names)], key=lambda each: (each.line, each.column))
    if refused:
        raise BrokenCode(refused[:_MOST_ERRORS])
    source_map, unreadable = inline_map(code)
    doubtful = [*undeclared(source, names), *undocumented(source, names)]
    unknown = [f"{each.line}:{each.column}: {each.value}" for each in doubtful[:_MOST_ERRORS]]
    members = ", ".join(f"{name}: {local}" for name, local in module.exports.items())
    head = '(function (__importModule, __importName, __turn) { "use strict";'
    text = f"{head}\n{module.text()}\nreturn {{ {members} }}; }})"
    warnings = (*module.warnings, *([unreadable] if unreadable else ()), *unknown)
    return Script(text, frozenset(module.exports), warnings, Positions(source, module.edits, source_map))


class _Module:
    """The statements of the module's top level: what is imported, what is exported, and the edits both need."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.exports: dict[str, str] = {}
        self.warnings: list[str] = []
        self.errors: list[CodeError] = []
        self.edits: list[Edit] = []
        for statement in source.root.named_children:
            if statement.type == "import_statement":
                self._import(statement)
            elif statement.type == "export_statement":
                self._export(statement)
        for loop in source.by_type.get("for_in_statement", ()):
            self._count_turns(syntax.field(loop, "body"))
        self.edits.sort(key=lambda edit: edit.start)

    def text(self) -> str:
        out: list[bytes] = []
        at = 0
        for edit in self.edits:
            out += [self._source.data[at : edit.start], edit.text]
            at = edit.end
        out.append(self._source.data[at:])
        return b"".join(out).decode()

    def _import(self, statement: Node) -> None:
        module = module_of(self._source, statement)
        if module not in surface.MODULES:
            self._refuse(statement, f"TS2307: Cannot find module '{module}': bundle it into the code.")
            return
        bound = []
        for name, (_, member) in imports_of(self._source, statement):
            local = self._source.of(name)
            if member in ("*", "default"):
                if member == "default":
                    self.warnings.append(f"{module} has no default export in AppSync: name what you import")
                bound.append(f'{local} = __importModule("{module}")')
            elif member in surface.MODULES[module].members:
                bound.append(f'{local} = __importName("{module}", "{member}")')
            else:
                self._refuse(name, f"TS2305: Module '\"{module}\"' has no exported member '{member}'.")
        self._replace(statement.start_byte, statement.end_byte, f"const {', '.join(bound)};" if bound else ";")

    def _export(self, statement: Node) -> None:
        declaration = statement.child_by_field_name("declaration")
        if statement.child_by_field_name("source") is not None or syntax.has_token(statement, "*"):
            self._refuse(statement, "re-exports are not supported: bundle the module into the code")
        elif syntax.has_token(statement, "default"):
            self._refuse(statement, "export default is not supported: export the handlers by name")
        elif declaration is not None:
            for name in _declared(declaration):
                self.exports[self._source.of(name)] = self._source.of(name)
            self._replace(statement.start_byte, declaration.start_byte, "")
        else:
            for clause in statement.named_children:
                self._export_clause(clause)
            self._replace(statement.start_byte, statement.end_byte, ";")

    def _export_clause(self, clause: Node) -> None:
        for specifier in clause.named_children:
            if specifier.type == "export_specifier":
                local = syntax.field(specifier, "name")
                shown = specifier.child_by_field_name("alias") or local
                if local.type != "identifier" or shown.type != "identifier":
                    self._refuse(specifier, "exported names must be identifiers")
                self.exports[self._source.of(shown)] = self._source.of(local)

    def _count_turns(self, body: Node) -> None:
        """`__turn()` at the start of each turn of a loop, to warn of more than AppSync is known to run."""
        if body.type == "statement_block":
            self._replace(body.start_byte + 1, body.start_byte + 1, "__turn();")
        else:
            self._replace(body.start_byte, body.start_byte, "{__turn();")
            self._replace(body.end_byte, body.end_byte, "}")

    def _replace(self, start: int, end: int, text: str) -> None:
        lines = self._source.data.count(b"\n", start, end)
        self.edits.append(Edit(start, end, text.encode() + b"\n" * lines))

    def _refuse(self, node: Node, why: str) -> None:
        self.errors.append(self._source.error("module", why, node))


def _declared(declaration: Node) -> list[Node]:
    if declaration.type in ("lexical_declaration", "variable_declaration"):
        return [
            name
            for declarator in declaration.named_children
            if declarator.type == "variable_declarator"
            for name in names_in(syntax.field(declarator, "name"))
        ]
    return [syntax.field(declaration, "name")]
