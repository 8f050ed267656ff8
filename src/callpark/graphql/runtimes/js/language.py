"""The subset of JavaScript that APPSYNC_JS runs, checked on the syntax tree. Pure; called by `module.py` at load.

Names and sentences of the rules are those of AWS's lint plug-in (@aws-appsync/eslint-plugin 2.0.2) where it has one.
What needs to know which function a name means is in `function_rules.py`.
https://docs.aws.amazon.com/appsync/latest/devguide/supported-features.html
"""

from collections.abc import Iterator

from tree_sitter import Node

from callpark.graphql.runtimes.js import surface, syntax
from callpark.graphql.runtimes.js.function_rules import check_functions
from callpark.graphql.runtimes.js.scopes import Names
from callpark.graphql.runtimes.js.syntax import FUNCTIONS, CodeError, Source, has_token

_NODES = {
    "class_declaration": ("no-classes", "Class declarations are not supported."),
    "class": ("no-classes", "Class declarations are not supported."),
    "super": ("no-classes", "Class declarations are not supported."),
    "this": ("no-this", "This expressions are not supported."),
    "while_statement": ("no-while", "While statements are not supported."),
    "do_statement": ("no-while", "do...while statements are not supported."),
    "for_statement": ("no-for", "For statements are not supported."),
    "try_statement": ("no-try", "Try statements are not supported."),
    "throw_statement": ("no-throw", "Throw statements are not supported."),
    "continue_statement": ("no-continue", "Continue statements are not supported"),
    "labeled_statement": ("no-labels", "Labeled statements are not supported."),
    "with_statement": ("no-with", "With statements are not supported."),
    "debugger_statement": ("no-debugger", "Debugger statements are not supported."),
    "regex": ("no-regex", "Regex literals are not supported."),
    "yield_expression": ("no-yield", "Yield statements are not supported"),
    "await_expression": ("no-await", "The `await` keyword is not supported"),
    "meta_property": ("no-meta-properties", "Meta properties are not supported."),
    "jsx_element": ("no-jsx", "JSX is not supported."),
    "jsx_self_closing_element": ("no-jsx", "JSX is not supported."),
    "decorator": ("no-classes", "Decorators are not supported."),
}
_ARRAY = "copyWithin entries group groupToMap keys toLocaleString toString values"
_STRING = "charCodeAt localeCompare matchAll padEnd padStart repeat search toLocaleLowerCase toLocaleUpperCase valueOf"
_DATE = (
    "setDate setFullYear setHours setMilliseconds setMinutes setMonth setSeconds setTime setUTCDate setUTCFullYear "
    "setUTCHours setUTCMilliseconds setUTCMinutes setUTCMonth setUTCSeconds setYear toGMTString toLocaleDateString "
    "toLocaleString toLocaleTimeString"
)
INSTANCE_METHODS = {
    "Array": frozenset(_ARRAY.split()),
    "String": frozenset(_STRING.split()),
    "Date": frozenset(_DATE.split()),
}
_OBJECT = (
    "create defineProperties defineProperty freeze getOwnPropertyDescriptor getOwnPropertyDescriptors "
    "getOwnPropertyNames getOwnPropertySymbols getPrototypeOf hasOwnProperty is isExtensible isFrozen isPrototypeOf "
    "isSealed preventExtensions propertyIsEnumerable seal setPrototypeOf toLocaleString toString valueOf"
)
STATIC_METHODS = {
    "Object": ("ObjectConstructor", frozenset(_OBJECT.split())),
    "Array": ("Array", frozenset(("from", "of"))),
    "String": ("String", frozenset(("fromCharCode", "fromCodePoint"))),
}
_CALLED = frozenset(("apply", "bind", "call", "constructor"))
_ELSEWHERE = (
    "eval Function setTimeout setInterval setImmediate clearTimeout clearInterval queueMicrotask fetch require process "
    "module exports globalThis window self global Buffer Map Set WeakMap WeakSet WeakRef Symbol Reflect Proxy Intl "
    "BigInt RegExp Error TypeError RangeError SyntaxError ReferenceError structuredClone atob btoa crypto URL "
    "URLSearchParams TextEncoder TextDecoder XMLHttpRequest WebSocket WebAssembly ArrayBuffer Uint8Array DataView "
    "Atomics SharedArrayBuffer Iterator AbortController performance escape unescape"
)
_UNAVAILABLE = frozenset(_ELSEWHERE.split())


def check_language(source: Source, names: Names) -> list[CodeError]:
    """Everything the service would refuse, as far as the code shows it, in the order of the source."""
    found = [*_check_nodes(source, names), *_check_globals(source, names), *check_functions(source, names)]
    return sorted(found, key=lambda error: (error.line, error.column))


def undeclared(source: Source, names: Names) -> Iterator[CodeError]:
    """Names that nothing declares: here an error when they are reached, in AppSync perhaps at once."""
    for each in names.references:
        unknown = each.binding is None and each.name not in surface.GLOBALS
        if unknown and each.name not in _UNAVAILABLE and each.name not in ("Promise", "arguments"):
            yield source.error("types", f"TS2304: Cannot find name '{each.name}'.", each.node)


def undocumented(source: Source, names: Names) -> Iterator[CodeError]:
    """Static functions that work here and that AppSync neither documents nor forbids."""
    for node in source.by_type.get("member_expression", ()):
        held, member = syntax.field(node, "object"), syntax.field(node, "property")
        if names.is_global(held, *surface.DOCUMENTED) and source.of(member) not in surface.DOCUMENTED[source.of(held)]:
            shown = f"{source.of(held)}.{source.of(member)}"
            yield source.error("types", f"{shown} is not among the functions that AppSync documents", node)


def _check_nodes(source: Source, names: Names) -> Iterator[CodeError]:
    for kind, nodes in source.by_type.items():
        check = _CHECKS.get(kind)
        for node in nodes:
            if kind in _NODES:
                yield source.error(*_NODES[kind], node)
            elif kind in FUNCTIONS:
                yield from _check_function(source, node)
            elif check is not None:
                yield from check(source, names, node)


def _check_function(source: Source, node: Node) -> Iterator[CodeError]:
    if has_token(node, "async"):
        yield source.error("no-async", "Async functions are not supported.", node)
    if has_token(node, "*"):
        yield source.error("no-generators", "Generator functions are not supported.", node)
    if node.type == "method_definition" and has_token(node, "get", "set"):
        yield source.error("no-accessors", "Getters and setters are not supported.", node)


def _check_for_in(source: Source, names: Names, node: Node) -> Iterator[CodeError]:
    if has_token(node, "await"):
        yield source.error("no-await", "The `await` keyword is not supported", node)


def _check_operator(source: Source, names: Names, node: Node) -> Iterator[CodeError]:
    operator = source.of(syntax.field(node, "operator"))
    if operator in ("++", "--", "~"):
        yield source.error("no-disallowed-unary-operators", f"The operator {operator} is not supported", node)
    elif operator == "instanceof":
        yield source.error("no-disallowed-binary-operators", f"The operator {operator} is not supported", node)
    elif operator == "in":
        yield source.error("no-in-operator", "in operator is not supported. Use Object.hasOwn().", node)


def _check_new(source: Source, names: Names, node: Node) -> Iterator[CodeError]:
    made = syntax.field(node, "constructor")
    if names.is_global(made, "Promise"):
        yield source.error("no-promise", "Promise is not supported", node)
    elif not names.is_global(made, "Date"):
        yield source.error("no-new", "New expressions are not supported.", node)


def _check_number(source: Source, names: Names, node: Node) -> Iterator[CodeError]:
    if source.of(node).endswith("n"):
        yield source.error("no-bigint", "BigInt literals are not supported.", node)


def _check_pair(source: Source, names: Names, node: Node) -> Iterator[CodeError]:
    key = syntax.field(node, "key")
    if source.of(key).strip("'\"") == "__proto__" and key.type != "computed_property_name":
        yield source.error("no-prototypes", "Setting __proto__ is not supported.", node)


def _check_member(source: Source, names: Names, node: Node) -> Iterator[CodeError]:
    name = source.of(syntax.field(node, "property"))
    held = syntax.field(node, "object")
    if name == "__proto__" or (name == "prototype" and (held.id in names.by_node and names.by_node[held.id] is None)):
        yield source.error("no-prototypes", f"Access to {name} is not supported.", node)
        return
    surfaces = surface.NAMESPACES.get(source.of(held)) if names.is_global(held, *surface.NAMESPACES) else None
    binding = names.by_node.get(held.id)
    if binding is not None and binding.imported is not None:
        surfaces = _imported_surface(binding.imported)
    if surfaces is not None and name not in surfaces.members:
        yield source.error(
            "types",
            f"TS2339: Property '{name}' does not exist on type '{surfaces.type}'.",
            syntax.field(node, "property"),
        )


def _imported_surface(imported: tuple[str, str]) -> surface.Surface | None:
    module, member = imported
    if member in ("*", "default") and module in surface.MODULES:
        return surface.MODULES[module]
    return surface.NAMESPACES.get(member) if module == surface.UTILS else None


def _check_call(source: Source, names: Names, node: Node) -> Iterator[CodeError]:
    called = syntax.field(node, "function")
    arguments = syntax.field(node, "arguments")
    if called.type == "import":
        yield source.error("no-dynamic-import", "import() is not supported.", node)
    if arguments.type == "template_string" and not _may_tag(source, names, called):
        yield source.error("no-tagged-templates", "Tagged templates are not supported.", node)
    if called.type == "member_expression":
        name = source.of(syntax.field(called, "property"))
        held = syntax.field(called, "object")
        method = _refused_method(source, names, held, name)
        if method is not None:
            yield source.error("no-disallowed-methods", f"Method {method} is not implemented", node)


def _refused_method(source: Source, names: Names, held: Node, name: str) -> str | None:
    if name in _CALLED and names.type_of(held) is None:
        return f"Function.{name}"
    if names.is_global(held, *STATIC_METHODS):
        shown, methods = STATIC_METHODS[source.of(held)]
        return f"{shown}.{name}" if name in methods else None
    kind = names.type_of(held)
    return f"{kind}.{name}" if kind is not None and name in INSTANCE_METHODS[kind] else None


def _may_tag(source: Source, names: Names, tag: Node) -> bool:
    """Templates are tagged with `sql` of the rds module, and with String.raw."""
    if tag.type == "member_expression":
        held, name = syntax.field(tag, "object"), source.of(syntax.field(tag, "property"))
        binding = names.by_node.get(held.id)
        rds = binding is not None and binding.imported is not None and binding.imported[0] == surface.RDS
        return (rds and name == "sql") or (name == "raw" and names.is_global(held, "String"))
    binding = names.by_node.get(tag.id)
    return binding is not None and binding.imported == (surface.RDS, "sql")


def _check_globals(source: Source, names: Names) -> Iterator[CodeError]:
    for each in names.references:
        if each.binding is not None:
            continue
        if each.name == "arguments":
            yield source.error("no-arguments", "The arguments object is not supported.", each.node)
        elif each.name == "Promise" and not _is_made(source.parent(each.node)):
            yield source.error("no-promise", "Promise is not supported", each.node)
        elif each.name in _UNAVAILABLE:
            yield source.error("types", f"TS2304: Cannot find name '{each.name}'.", each.node)


def _is_made(above: Node | None) -> bool:
    return above is not None and above.type == "new_expression"


_CHECKS = {
    "for_in_statement": _check_for_in,
    "unary_expression": _check_operator,
    "update_expression": _check_operator,
    "binary_expression": _check_operator,
    "new_expression": _check_new,
    "number": _check_number,
    "pair": _check_pair,
    "member_expression": _check_member,
    "call_expression": _check_call,
}
