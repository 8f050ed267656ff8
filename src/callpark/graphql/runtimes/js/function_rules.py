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
_MOST_REPORTED = 20
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
        called = names.function_of(each.node) if _is_called(source, each.node) else None
        if called is not None and each.function is not None:
            for function in _around(source, each.function):
                calls.setdefault(function.id, []).append(called)
            sites.append((each.function, each, called))
    circle = _circles(calls)
    reported = 0
    for caller, each, called in sites:
        around = {function.id for function in _around(source, caller)}
        if called.id not in circle or not any(circle.get(one) == circle[called.id] for one in around):
            continue
        path = _path(calls, called, around)
        if path is not None and reported < _MOST_REPORTED:
            reported += 1
            shown = " <-".join(_named(source, function) for function in (path[-1], *path))
            yield source.error(
                "no-recursion", f"Recursive function calls not supported. Detected cycle in {shown}", each.node
            )


def _is_called(source: Source, node: Node) -> bool:
    """Called, or handed to something that calls it."""
    above = source.parent(node)
    if above is None:
        return False
    if above.type == "arguments":
        return True
    called = above.child_by_field_name("function") if above.type == "call_expression" else None
    return called is not None and called.id == node.id


def _around(source: Source, function: Node) -> Iterator[Node]:
    """The function and those it is written in, as long as they are callbacks: a callback runs in its function."""
    yield function
    above = source.parent(function)
    while above is not None and above.type == "arguments":
        node: Node | None = above
        while node is not None and node.type not in FUNCTIONS:
            node = source.parent(node)
        if node is None:
            return
        yield node
        above = source.parent(node)


def _circles(calls: dict[int, list[Node]]) -> dict[int, int]:
    """Functions that can call themselves, by the circle they are in: strongly connected components, after Tarjan."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stacked: list[int] = []
    on_stack: set[int] = set()
    circle: dict[int, int] = {}
    for start in calls:
        if start in index:
            continue
        work = [(start, 0)]
        while work:
            at, position = work.pop()
            if at not in index:
                index[at] = low[at] = len(index)
                stacked.append(at)
                on_stack.add(at)
            targets = calls.get(at, [])
            for next_position in range(position, len(targets)):
                target = targets[next_position].id
                if target not in index:
                    work += [(at, next_position), (target, 0)]
                    break
                if target in on_stack:
                    low[at] = min(low[at], low[target])
            else:
                if low[at] == index[at]:
                    members = [stacked.pop()]
                    while members[-1] != at:
                        members.append(stacked.pop())
                    on_stack.difference_update(members)
                    if len(members) > 1 or any(each.id == at for each in targets):
                        circle.update(dict.fromkeys(members, index[at]))
    return circle


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
    above = source.parent(function)
    if above is not None and above.type == "variable_declarator":
        return source.of(syntax.field(above, "name"))
    return "Anonymous Arrow Function" if function.type == "arrow_function" else "Anonymous Function"


def _check_context(source: Source, names: Names) -> Iterator[CodeError]:
    """`ctx` and its members cannot be replaced in `request` and `response`; what is inside them can."""
    for each in names.references:
        binding = each.binding
        if binding is None or binding.parameter_of is None:
            continue
        if _named(source, binding.parameter_of) not in ("request", "response"):
            continue
        if _is_written(source, each.node):
            yield source.error(
                "no-disallowed-re-assignment", f"{each.name} is readonly and re-assignment is not supported.", each.node
            )
        member = source.parent(each.node)
        if member is not None and member.type in ("member_expression", "subscript_expression"):
            held = member.child_by_field_name("object")
            if (
                held is not None
                and held.id == each.node.id
                and (_is_written(source, member) or _is_deleted(source, member))
            ):
                yield source.error("no-disallowed-re-assignment", _member_sentence(source, each.name, member), member)


def _member_sentence(source: Source, name: str, member: Node) -> str:
    key = member.child_by_field_name("property") or syntax.field(member, "index")
    if key.type in ("property_identifier", "identifier", "string", "number"):
        return f"{name} is readonly. Adding/Updating {source.of(key).strip(chr(39) + chr(34))} is not supported."
    return f"{name} is readonly adding/modifying properties is not supported."


def _is_written(source: Source, node: Node) -> bool:
    above = source.parent(node)
    if above is None:
        return False
    if above.type in ("assignment_expression", "augmented_assignment_expression", "for_in_statement"):
        left = above.child_by_field_name("left")
        return left is not None and left.id == node.id
    return above.type in ("update_expression", "array_pattern", "rest_pattern")


def _is_deleted(source: Source, node: Node) -> bool:
    above = source.parent(node)
    return above is not None and above.type == "unary_expression" and source.of(above).startswith("delete")
