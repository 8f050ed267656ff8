"""java.util.ArrayList, LinkedHashMap, their views, entries and iterators.

https://docs.oracle.com/javase/8/docs/api/java/util/ArrayList.html, …/LinkedHashMap.html
"""

from callpark.graphql.runtimes.vtl.failures import JavaException, NoSuchMethod
from callpark.graphql.runtimes.vtl.members.method import Table, as_items, as_whole, method, out_of_bounds
from callpark.graphql.runtimes.vtl.printing import text_of
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.values import Entry, JavaIterator, View, contains, equals, position

_CELL = 64


def _index(self: list[object], index: object, last: int) -> int:
    at = as_whole(index)
    if not 0 <= at <= last:
        raise out_of_bounds(at, len(self))
    return at


def _add(run: Run, self: list[object], *given: object) -> object:
    run.make(_CELL)
    if len(given) == 1:
        self.append(given[0])
        return True
    self.insert(_index(self, given[0], len(self)), given[1])
    return ""


def _add_all(run: Run, self: list[object], *given: object) -> bool:
    items = list(as_items(given[-1]))
    run.make(_CELL * len(items))
    at = len(self) if len(given) == 1 else _index(self, given[0], len(self))
    self[at:at] = items
    return bool(items)


def _set(run: Run, self: list[object], index: object, value: object) -> object:
    at = _index(self, index, len(self) - 1)
    before = self[at]
    self[at] = value
    return before


def _remove(run: Run, self: list[object], what: object) -> object:
    if isinstance(what, int) and not isinstance(what, bool):
        return self.pop(_index(self, what, len(self) - 1))
    at = position(run, self, what)
    if at >= 0:
        del self[at]
    return at >= 0


def _keep(run: Run, self: list[object], others: object, kept: bool) -> bool:
    theirs = as_items(others)
    items = [each for each in self if contains(run, theirs, each) == kept]
    changed = len(items) != len(self)
    self[:] = items
    return changed


def _sub_list(run: Run, self: list[object], first: object, last: object) -> list[object]:
    begin, end = as_whole(first), as_whole(last)
    if not 0 <= begin <= end <= len(self):
        raise out_of_bounds(begin if begin < 0 else end, len(self))
    run.make(_CELL * (end - begin))
    return self[begin:end]


def _clear(run: Run, self: list[object] | dict[object, object]) -> str:
    self.clear()
    return ""


def _copy(run: Run, items: list[object]) -> list[object]:
    run.make(_CELL * len(items))
    return list(items)


def _last_position(run: Run, self: list[object], sought: object) -> int:
    backwards = position(run, self[::-1], sought)
    return -1 if backwards < 0 else len(self) - 1 - backwards


def _includes(run: Run, items: list[object], others: object) -> bool:
    return all(contains(run, items, each) for each in as_items(others))


LIST: Table = {
    "add": method(_add, 1, 2),
    "addAll": method(_add_all, 1, 2),
    "clear": method(_clear),
    "contains": method(contains, 1),
    "containsAll": method(_includes, 1),
    "equals": method(equals, 1),
    "get": method(lambda run, self, index: self[_index(self, index, len(self) - 1)], 1),
    "indexOf": method(position, 1),
    "lastIndexOf": method(_last_position, 1),
    "isEmpty": method(lambda run, self: not self),
    "iterator": method(lambda run, self: JavaIterator(_copy(run, self), self)),
    "listIterator": method(lambda run, self: JavaIterator(_copy(run, self), self)),
    "remove": method(_remove, 1),
    "removeAll": method(lambda run, self, others: _keep(run, self, others, False), 1),
    "retainAll": method(lambda run, self, others: _keep(run, self, others, True), 1),
    "set": method(_set, 2),
    "size": method(lambda run, self: len(self)),
    "subList": method(_sub_list, 2),
    "toArray": method(_copy),
    "clone": method(_copy),
    "toString": method(text_of),
}

LIST_PROPERTIES = {"empty": LIST["isEmpty"]}


def as_key(key: object) -> object:
    """A key of a map. Lists and maps as keys are refused."""
    if isinstance(key, list | dict):
        raise JavaException("callpark does not have lists and maps as keys of maps")
    return key


def _get(run: Run, self: dict[object, object], key: object) -> object:
    return self.get(as_key(key))


def _put(run: Run, self: dict[object, object], key: object, value: object) -> object:
    run.make(_CELL)
    before = self.get(as_key(key))
    self[key] = value
    return before


def _put_all(run: Run, self: dict[object, object], other: object) -> str:
    if other is None:
        raise JavaException("java.lang.NullPointerException")
    if not isinstance(other, dict):
        raise NoSuchMethod
    run.make(_CELL * len(other))
    self.update(other)
    return ""


def _put_if_absent(run: Run, self: dict[object, object], key: object, value: object) -> object:
    before = self.get(as_key(key))
    return _put(run, self, key, value) if before is None else before


def _replace_value(run: Run, self: dict[object, object], key: object, value: object) -> object:
    return _put(run, self, key, value) if as_key(key) in self else None


def _remove_key(run: Run, self: dict[object, object], key: object) -> object:
    return self.pop(as_key(key), None)


MAP: Table = {
    "clear": method(_clear),
    "containsKey": method(lambda run, self, key: as_key(key) in self, 1),
    "containsValue": method(lambda run, self, value: contains(run, list(self.values()), value), 1),
    "entrySet": method(lambda run, self: View(self, "entries")),
    "equals": method(equals, 1),
    "get": method(_get, 1),
    "getOrDefault": method(lambda run, self, key, default: self.get(as_key(key), default), 2),
    "isEmpty": method(lambda run, self: not self),
    "keySet": method(lambda run, self: View(self, "keys")),
    "put": method(_put, 2),
    "putAll": method(_put_all, 1),
    "putIfAbsent": method(_put_if_absent, 2),
    "remove": method(_remove_key, 1),
    "replace": method(_replace_value, 2),
    "size": method(lambda run, self: len(self)),
    "values": method(lambda run, self: View(self, "values")),
    "clone": method(lambda run, self: dict(zip(_copy(run, list(self)), self.values(), strict=True))),
    "toString": method(text_of),
}


def _view_keep(run: Run, self: View, others: object, kept: bool) -> bool:
    theirs = as_items(others)
    gone = [key for key, each in zip(list(self.map), self.items(), strict=True) if contains(run, theirs, each) != kept]
    for key in gone:
        del self.map[key]
    return bool(gone)


def _view_remove(run: Run, self: View, what: object) -> bool:
    at = position(run, self.items(), what)
    if at >= 0:
        del self.map[list(self.map)[at]]
    return at >= 0


def _unsupported(run: Run, self: View, *given: object) -> object:
    raise JavaException("java.lang.UnsupportedOperationException")


VIEW: Table = {
    "add": method(_unsupported, 1),
    "addAll": method(_unsupported, 1),
    "clear": method(lambda run, self: _clear(run, self.map)),
    "contains": method(lambda run, self, sought: contains(run, self.items(), sought), 1),
    "containsAll": method(lambda run, self, others: _includes(run, self.items(), others), 1),
    "equals": method(equals, 1),
    "isEmpty": method(lambda run, self: not self.map),
    "iterator": method(lambda run, self: JavaIterator(_copy(run, self.items()), self)),
    "remove": method(_view_remove, 1),
    "removeAll": method(lambda run, self, others: _view_keep(run, self, others, False), 1),
    "retainAll": method(lambda run, self, others: _view_keep(run, self, others, True), 1),
    "size": method(lambda run, self: len(self.map)),
    "toArray": method(lambda run, self: _copy(run, self.items())),
    "toString": method(text_of),
}

VIEW_PROPERTIES = {"empty": VIEW["isEmpty"]}


def _set_value(run: Run, self: Entry, value: object) -> object:
    before = self.value
    self.map[self.key] = value
    return before


ENTRY: Table = {
    "equals": method(equals, 1),
    "getKey": method(lambda run, self: self.key),
    "getValue": method(lambda run, self: self.value),
    "setValue": method(_set_value, 1),
    "toString": method(text_of),
}

ENTRY_PROPERTIES = {"key": ENTRY["getKey"], "value": ENTRY["getValue"]}


def _next(run: Run, self: JavaIterator) -> object:
    for each in self.rest():
        return each
    raise JavaException("java.util.NoSuchElementException")


def _remove_last(run: Run, self: JavaIterator) -> str:
    if self.at == 0:
        raise JavaException("java.lang.IllegalStateException")
    last = self.items[self.at - 1]
    if isinstance(self.source, View):
        _view_remove(run, self.source, last)
    else:
        at = position(run, self.source, last)
        if at >= 0:
            del self.source[at]
    return ""


ITERATOR: Table = {
    "hasNext": method(lambda run, self: self.at < len(self.items)),
    "next": method(_next),
    "remove": method(_remove_last),
}

ITERATOR_PROPERTIES: Table = {}
