"""Is a document valid, and in which words not: graphql-core validates, AppSync (graphql-java) words the answer.

Called by `documents.py`; returns entries of `errors` with `path`, `locations` and `message`. What has no recorded
wording keeps graphql-core's sentence behind AppSync's prefix.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from callpark.graphql.messages import ErrorEntry
from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    IntValueNode,
    ListValueNode,
    Node,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    ValidationRule,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)

_INTROSPECTIONS_AT_MOST = 20
_ERRORS_AT_MOST = 50
"""Our rule: a document that is wrong in more ways is not described further."""


class InvalidDocument(Exception):
    """`entries` is the whole of the response's `errors`."""

    def __init__(self, entries: Sequence[ErrorEntry]) -> None:
        super().__init__(str(entries[0]["message"]))
        self.entries = tuple(entries)


def parse_document(query: str, tokens_at_most: int) -> DocumentNode:
    """Raises InvalidDocument."""
    try:
        return parse(query, max_tokens=tokens_at_most)
    except GraphQLSyntaxError as error:
        place = error.locations[0] if error.locations else None
        where = f" at line {place.line} column {place.column}" if place else ""
        detail = error.message.removeprefix("Syntax Error: ").rstrip(".")
        raise InvalidDocument(
            [problem_at(error, f"Validation error of type InvalidSyntax: Invalid Syntax : {detail}{where}")]
        ) from None
    except RecursionError:
        raise InvalidDocument(
            [problem("Validation error of type InvalidSyntax: the document is nested too deeply")]
        ) from None


class _FewIntrospections(ValidationRule):
    """Our rule: `__schema` and `__type` a few times. Each walks the schema."""

    found = 0

    def enter_field(self, node: FieldNode, *_: object) -> None:
        if node.name.value in ("__schema", "__type"):
            self.found += 1
            if self.found == _INTROSPECTIONS_AT_MOST + 1:
                self.report_error(GraphQLError(f"More than {_INTROSPECTIONS_AT_MOST} introspection fields", node))


class _WithoutIntrospection(ValidationRule):
    """`__schema` and `__type` are fields that do not exist; `__typename` does."""

    def enter_field(self, node: FieldNode, *_: object) -> None:
        name, parent = node.name.value, self.context.get_parent_type()
        if name in ("__schema", "__type") and parent is not None:
            self.report_error(GraphQLError(f"Cannot query field '{name}' on type '{parent.name}'", node))


def validate_document(
    schema: GraphQLSchema, document: DocumentNode, *, introspection: bool = True
) -> tuple[ErrorEntry, ...]:
    """What is wrong with a parsed document, in AppSync's words; empty when nothing is."""
    rules = [*specified_rules, _FewIntrospections if introspection else _WithoutIntrospection]
    try:
        errors = validate(schema, document, rules, max_errors=_ERRORS_AT_MOST)
    except RecursionError:
        return (problem("Validation error: the document is nested too deeply"),)
    return tuple(problem_at(error, _worded(document, error)) for error in errors)


def problem(message: str) -> ErrorEntry:
    """The entry for what is wrong with a document as a whole."""
    return {"path": None, "locations": None, "message": message}


def problem_at(error: GraphQLError, message: str) -> ErrorEntry:
    """The entry for what graphql-core found, where it found it, in other words."""
    places = [{"line": p.line, "column": p.column, "sourceName": None} for p in error.locations or []]
    return {"path": None, "locations": places, "message": message}


_Wording: TypeAlias = Callable[[GraphQLError], "tuple[str, str] | None"]
"""A graphql-core error → (AppSync's type, AppSync's sentence)."""


def _pattern(pattern: str, kind: str, sentence: str) -> _Wording:
    compiled = re.compile(pattern)

    def reword(error: GraphQLError) -> tuple[str, str] | None:
        match = compiled.match(error.message)
        return None if match is None else (kind, sentence.format(*match.groups()))

    return reword


_WORDINGS: tuple[_Wording, ...] = (
    _pattern(r"Cannot query field '(\w+)' on type '(\w+)'", "FieldUndefined", "Field '{}' in type '{}' is undefined"),
    _pattern(
        r"Field '(\w+)' must not have a selection since type '(.+)' has",
        "SubSelectionNotAllowed",
        "Sub selection not allowed on leaf type {1} of field {0}",
    ),
    _pattern(
        r"Field '(\w+)' of type '(.+)' must have a selection",
        "SubSelectionRequired",
        "Sub selection required for type {1} of field {0}",
    ),
    _pattern(r"Unknown argument '(\w+)' on field", "UnknownArgument", "Unknown field argument {}"),
    _pattern(r"Field '\w+' argument '(\w+)'", "MissingFieldArgument", "Missing field argument {}"),
    _pattern(
        r"Directive '@(\w+)' argument '(\w+)'",
        "MissingDirectiveArgument",
        "Missing directive argument {1} of directive {0}",
    ),
    _pattern(r"Variable '\$(\w+)' is not defined", "UndefinedVariable", "Undefined variable {}"),
    _pattern(r"Variable '\$(\w+)' is never used", "UnusedVariable", "Unused variable {}"),
    _pattern(
        r"There can be only one variable named '\$(\w+)'",
        "DuplicateVariableName",
        "There can be only one variable named '{}'",
    ),
    _pattern(
        r"Variable '\$\w+' of type '(.+)' used in position expecting type '(.+)'",
        "VariableTypeMismatch",
        "Variable type '{}' doesn't match expected type '{}'",
    ),
    _pattern(r"Unknown type '(\w+)'", "UnknownType", "Unknown type {}"),
    _pattern(r"Unknown directive '@(\w+)'", "UnknownDirective", "Unknown directive {}"),
    _pattern(r"Unknown fragment '(\w+)'", "UndefinedFragment", "Undefined fragment {}"),
    _pattern(r"Fragment '(\w+)' is never used", "UnusedFragment", "Unused fragment {}"),
    _pattern(r"Cannot spread fragment '(\w+)' within itself", "FragmentCycle", "Fragment cycles not allowed"),
    _pattern(r"(Fragment .*cannot be spread here.*)\.", "InvalidFragmentType", "{}"),
    _pattern(r"(Fields '.+' conflict because (?s:.+))\.", "FieldsConflict", "{}"),
    _pattern(r"(There can be only one operation named '\w+')", "DuplicateOperationName", "{}"),
    _pattern(
        r"This anonymous operation must be the only",
        "LoneAnonymousOperationViolation",
        "Anonymous operation with other operations.",
    ),
)


def _worded(document: DocumentNode, error: GraphQLError) -> str:
    nodes: list[Node | None] = list(error.nodes or [])
    nodes = nodes or [None]
    # A variable that does not fit names its definition first and then where it is used.
    node = nodes[-1] if isinstance(nodes[0], VariableDefinitionNode) else nodes[0]
    fields, arguments = _surroundings(document, node)
    found = next((found for reword in _WORDINGS if (found := reword(error)) is not None), None)
    if found is None and node is not None:
        found = _wrong_value(error, node, arguments)
    place = f" @ '{'/'.join(fields)}'" if fields else ""
    if found is None:
        return f"Validation error: {error.message.rstrip('.')}{place}"
    kind, sentence = found
    return f"Validation error of type {kind}: {sentence}{place}"


def _surroundings(document: DocumentNode, wanted: Node | None) -> tuple[list[str], list[ArgumentNode]]:
    """Names of the fields around a node, outermost first, and the arguments it is in."""
    fields: list[str] = []
    arguments: list[ArgumentNode] = []

    class Finder(Visitor):
        def enter(self, node: Node, key: object, parent: object, path: object, ancestors: list[object]) -> object:
            if node is not wanted:
                return None
            for each in (*ancestors, parent, node):
                if isinstance(each, FieldNode):
                    fields.append(each.name.value)
                elif isinstance(each, ArgumentNode):
                    arguments.append(each)
            return self.BREAK

    if wanted is not None:
        visit(document, Finder())
    return fields, arguments


_EXPECTED = re.compile(
    r"(?:Expected value of type '([^']+)'|Enum '(\w+)'|Value '.*' does not exist in '(\w+)'|(\w+) cannot)"
)
_NOT_PROVIDED = re.compile(r"Field '\w+\.(\w+)' of required type")
_NOT_DEFINED = re.compile(r"Field '(\w+)' is not defined by type '(\w+)'")
_VALID_NAME = re.compile(r"Unable to parse .* as (?:a )?valid (\w+)")


def _wrong_value(error: GraphQLError, node: Node, arguments: list[ArgumentNode]) -> tuple[str, str] | None:
    if not arguments:
        return None
    argument = arguments[0]
    where = f"argument '{argument.name.value}' with value '{value_text(argument.value)}'"
    if match := _NOT_PROVIDED.search(error.message):
        return "WrongType", f"{where} is missing required fields '[{match[1]}]'"
    if match := _NOT_DEFINED.search(error.message):
        return "WrongType", f"{where} contains a field not in '{match[2]}': '{match[1]}'"
    if isinstance(node, NullValueNode):
        return "WrongType", f"{where} must not be null"
    if match := _VALID_NAME.search(error.message):
        kind = "AWSJSON" if match[1] == "JSON" else match[1]
        return "WrongType", f"{where} is not a valid '{kind}'"
    if match := _EXPECTED.search(error.message):
        return "WrongType", f"{where} is not a valid '{next(group for group in match.groups() if group)}'"
    return "WrongType", f"{where} is not valid: {error.message}"


def value_text(node: ValueNode) -> str:
    """A literal as graphql-java prints it: `StringValue{value='abc'}`."""
    match node:
        case StringValueNode():
            return f"StringValue{{value='{node.value}'}}"
        case IntValueNode() | FloatValueNode():
            kind = "IntValue" if isinstance(node, IntValueNode) else "FloatValue"
            return f"{kind}{{value={node.value}}}"
        case BooleanValueNode():
            return f"BooleanValue{{value={str(node.value).lower()}}}"
        case EnumValueNode():
            return f"EnumValue{{name='{node.value}'}}"
        case NullValueNode():
            return "NullValue{}"
        case VariableNode():
            return f"VariableReference{{name='{node.name.value}'}}"
        case ListValueNode():
            return f"ArrayValue{{values=[{', '.join(map(value_text, node.values))}]}}"
        case ObjectValueNode():
            members = (f"ObjectField{{name='{f.name.value}', value={value_text(f.value)}}}" for f in node.fields)
            return f"ObjectValue{{objectFields=[{', '.join(members)}]}}"
        case _:
            return type(node).__name__
