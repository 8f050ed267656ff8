"""Which methods and properties a value has. Used by `compiler.py`.

A name that is in no table is null to the template, as an unknown method is to Velocity; `getClass` and `class` are in
none, so there is no way to Java's reflection. Names in REFUSED exist in Java and not here: they fail by name.
"""

from callpark.graphql.runtimes.vtl.failures import JavaException, NoSuchMethod, TemplateFailure
from callpark.graphql.runtimes.vtl.loops import LOOP, LOOP_PROPERTIES, LoopScope
from callpark.graphql.runtimes.vtl.members.collections import (
    ENTRY,
    ENTRY_PROPERTIES,
    ITERATOR,
    ITERATOR_PROPERTIES,
    LIST,
    LIST_PROPERTIES,
    MAP,
    VIEW,
    VIEW_PROPERTIES,
    as_key,
)
from callpark.graphql.runtimes.vtl.members.method import Table, out_of_bounds
from callpark.graphql.runtimes.vtl.members.numbers import BOOLEAN, REAL, WHOLE
from callpark.graphql.runtimes.vtl.members.strings import STRING, STRING_PROPERTIES
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.syntax import Place
from callpark.graphql.runtimes.vtl.values import Entry, HidingMap, JavaIterator, View, class_name

_METHODS: dict[type, Table] = {
    str: STRING,
    list: LIST,
    dict: MAP,
    HidingMap: MAP,
    View: VIEW,
    Entry: ENTRY,
    JavaIterator: ITERATOR,
    int: WHOLE,
    float: REAL,
    bool: BOOLEAN,
    LoopScope: LOOP,
}
_PROPERTIES: dict[type, Table] = {
    str: {**STRING_PROPERTIES, "bytes": STRING["getBytes"]},
    list: LIST_PROPERTIES,
    View: VIEW_PROPERTIES,
    Entry: ENTRY_PROPERTIES,
    JavaIterator: ITERATOR_PROPERTIES,
    LoopScope: LOOP_PROPERTIES,
}
REFUSED = {
    "stream", "parallelStream", "forEach", "removeIf", "replaceAll", "sort", "spliterator", "computeIfAbsent",
    "computeIfPresent", "compute", "merge", "chars", "codePoints", "regionMatches", "lines",
}  # fmt: skip
CHANGING = {
    "add", "addAll", "clear", "put", "putAll", "putIfAbsent", "remove", "removeAll", "retainAll", "replace", "set",
    "setValue",
}  # fmt: skip
"""Methods that change what they are called on."""


def invoke(run: Run, target: object, name: str, arguments: list[object], place: Place) -> object:
    """The method's result, null when there is no such method. Raises TemplateFailure."""
    run.step()
    table = _METHODS.get(type(target))
    found = table.get(name) if table is not None else None
    if found is None:
        if table is not None and name in REFUSED:
            raise TemplateFailure(f"callpark does not have the method '{name}' of {class_name(target)}", place)
        return None
    if not found.least <= len(arguments) <= found.most:
        return None
    try:
        return found.call(run, target, *arguments)
    except NoSuchMethod:
        return None
    except JavaException as thrown:
        raise TemplateFailure(
            f"Invocation of method '{name}' in  class {class_name(target)} threw exception {thrown}", place
        ) from None


def member(run: Run, target: object, name: str) -> object:
    """`$target.name` of what is not a plain map."""
    if isinstance(target, HidingMap):
        return target.get(name, target.hidden.get(name))
    if isinstance(target, dict):
        return target.get(name)
    table = _PROPERTIES.get(type(target))
    if table is None or name not in table:
        return None
    return table[name].call(run, target)


def item(run: Run, target: object, key: object, place: Place) -> object:
    """`$target[key]`: a negative index counts from the end. Raises TemplateFailure."""
    if isinstance(target, list):
        if not isinstance(key, int) or isinstance(key, bool):
            return None
        if not -len(target) <= key < len(target):
            raise TemplateFailure(f"{_get_threw(target)} {out_of_bounds(key, len(target))}", place)
        return target[key]
    if isinstance(target, dict):
        name = _checked(target, key, place)
        return member(run, target, name) if isinstance(name, str) else target.get(name)
    return None


def assign(run: Run, target: object, key: object, value: object, place: Place) -> bool:
    """`#set($target.key = …)`, `#set($target[key] = …)`; False when the target has no such place."""
    if isinstance(target, dict):
        run.make(64)
        target[_checked(target, key, place)] = value
        return True
    if isinstance(target, list) and isinstance(key, int) and not isinstance(key, bool):
        if not -len(target) <= key < len(target):
            raise TemplateFailure(f"{_get_threw(target)} {out_of_bounds(key, len(target))}", place)
        target[key] = value
        return True
    if isinstance(target, Entry) and key == "value":
        target.map[target.key] = value
        return True
    return False


def _checked(target: object, key: object, place: Place) -> object:
    try:
        return as_key(key)
    except JavaException as thrown:
        raise TemplateFailure(f"{_get_threw(target)} {thrown}", place) from None


def _get_threw(target: object) -> str:
    return f"Invocation of method 'get' in  class {class_name(target)} threw exception"
