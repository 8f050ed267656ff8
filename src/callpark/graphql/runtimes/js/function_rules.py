"""The rules of APPSYNC_JS about functions and the context object. Pure; part of `language.py`.

Functions may be called and handed to the built-in array methods, nothing else: not passed on, returned, re-assigned
or called by themselves. Only what the code shows is judged; AWS's plug-in has TypeScript's types.
"""

from collections import deque
from collections.abc import Iterator

from tree_sitter import Node

from callpark.graphql.runtimes.js import syntax
from callpark.graphql.runtimes.js.scopes import Names, Reference
from callpark.graphql.runtimes.js.syntax import FUNCTIONS, CodeError, Source

_TAKE = "map find filter findIndex findLast findLastIndex forEach reduce reduceRight every some flatMap"
TAKE_FUNCTIONS = frozenset(_TAKE.split())
_NEVER_TAKE = frozenset(("sort", "replace", "replaceAll", "toSorted", "stringify", "parse", "assign"))


def check_functions(source: Source, names: Names) -> Iterator[CodeError]:
    yield from _check_uses(source, names)
    yield from _check_recursion(source, names)
    yield from _check_context(source, names)


def _check_uses(source: Source, names: Names) -> Iterator[CodeError]:
    found = source.by_type
    for node in found.get("call_expression", ()):
        if _passes_function(source, names, node):
            yield source.error("no-function-passing", "Functions can not be passed as an argument", node)
    for node in found.get("return_statement", ()):
        if any(names.function_of(each) is not None for each in node.named_children):
            yield source.error("no-function-return", "returning a function is not allowed", node)
    for node in found.get("arrow_function", ()):
        if names.function_of(syntax.field(node, "body")) not in (None, node):
            yield source.error("no-function-return", "returning a function is not allowed", node)
    for kind, member in (("variable_declarator", "value"), ("assignment_expression", "right")):
        for node in found.get(kind, ()):
            value = node.child_by_field_name(member)
            if value is not None and value.type == "identifier" and names.function_of(value) is not None:
                yield source.error("no-function-reassign", "re-assigning function is not allowed", node)


def _passes_function(source: Source, names: Names, call: Node) -> bool:
    arguments = syntax.field(call, "arguments")
    if not any(names.function_of(each) is not None for each in arguments.named_children):
        return False
    called = syntax.bare(syntax.field(call, "function"))
    if called.type != "member_expression":
        return called.type == "identifier" and names.function_of(called) is not None
    name = source.of(syntax.field(called, "property"))
    held = syntax.field(called, "object")
    builtin = names.type_of(held) is not None or names.is_global(held, "util", "Object", "JSON", "Math", "Array")
    return name in _NEVER_TAKE or (builtin and name not in TAKE_FUNCTIONS)


def _check_recursion(source: Source, names: Names) -> Iterator[CodeError]:
    calls: dict[int, list[Node]] = {}
    sites: list[tuple[Node, Reference, Node]] = []
    for each in names.references:
        called = names.function_of(each.node) if _is_called(each.node) else None
        if called is not None and each.function is not None:
            for function in _around(each.function):
                calls.setdefault(function.id, []).append(called)
            sites.append((each.function, each, called))
    for caller, each, called in sites:
        path = _path(calls, called, {function.id for function in _around(caller)})
        if path is not None:
            shown = " <-".join(_named(source, function) for function in (path[-1], *path))
            yield source.error(
                "no-recursion", f"Recursive function calls not supported. Detected cycle in {shown}", each.node
            )


def _is_called(node: Node) -> bool:
    """Called, or handed to something that calls it."""
    parent = node.parent
    if parent is None:
        return False
    return parent.type == "arguments" or (
        parent.type == "call_expression"
        and (called := parent.child_by_field_name("function")) is not None
        and called.id == node.id
    )


def _around(function: Node) -> Iterator[Node]:
    """The function and those it is written in, as long as they are callbacks: a callback runs in its function."""
    yield function
    node: Node | None = function
    while node is not None and node.parent is not None and node.parent.type == "arguments":
        node = node.parent
        while node is not None and node.type not in FUNCTIONS:
            node = node.parent
        if node is not None:
            yield node


def _path(calls: dict[int, list[Node]], start: Node, goals: set[int]) -> list[Node] | None:
    """The shortest way of calls from `start` to one of the goals, both included."""
    came: dict[int, tuple[Node, int | None]] = {start.id: (start, None)}
    waiting = deque([start])
    while waiting:
        function = waiting.popleft()
        if function.id in goals:
            way: list[Node] = []
            at: int | None = function.id
            while at is not None:
                node, at = came[at]
                way.append(node)
            return way[::-1]
        for called in calls.get(function.id, ()):
            if called.id not in came:
                came[called.id] = (called, function.id)
                waiting.append(called)
    return None


def _named(source: Source, function: Node) -> str:
    name = function.child_by_field_name("name")
    if name is not None:
        return source.of(name)
    parent = function.parent
    if parent is not None and parent.type == "variable_declarator":
        return source.of(syntax.field(parent, "name"))
    return "Anonymous Arrow Function" if function.type == "arrow_function" else "Anonymous Function"


def _check_context(source: Source, names: Names) -> Iterator[CodeError]:
    """`ctx` and its members cannot be replaced in `request` and `response`; what is inside them can."""
    for each in names.references:
        binding = each.binding
        if binding is None or binding.parameter_of is None:
            continue
        if _named(source, binding.parameter_of) not in ("request", "response"):
            continue
        if _is_written(each.node):
            yield source.error(
                "no-disallowed-re-assignment", f"{each.name} is readonly and re-assignment is not supported.", each.node
            )
        member = each.node.parent
        if member is not None and member.type in ("member_expression", "subscript_expression"):
            held = member.child_by_field_name("object")
            if held is not None and held.id == each.node.id and (_is_written(member) or _is_deleted(member)):
                yield source.error("no-disallowed-re-assignment", _member_sentence(source, each.name, member), member)


def _member_sentence(source: Source, name: str, member: Node) -> str:
    key = member.child_by_field_name("property") or syntax.field(member, "index")
    if key.type in ("property_identifier", "identifier", "string", "number"):
        return f"{name} is readonly. Adding/Updating {source.of(key).strip(chr(39) + chr(34))} is not supported."
    return f"{name} is readonly adding/modifying properties is not supported."


def _is_written(node: Node) -> bool:
    parent = node.parent
    if parent is None:
        return False
    if parent.type in ("assignment_expression", "augmented_assignment_expression", "for_in_statement"):
        left = parent.child_by_field_name("left")
        return left is not None and left.id == node.id
    return parent.type in ("update_expression", "array_pattern", "rest_pattern")


def _is_deleted(node: Node) -> bool:
    parent = node.parent
    return parent is not None and parent.type == "unary_expression" and (parent.text or b"").startswith(b"delete")
