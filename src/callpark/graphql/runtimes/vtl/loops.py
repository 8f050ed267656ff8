"""`$foreach`: where a loop stands. Made by `directives.py`, read through `members/table.py`.

https://velocity.apache.org/engine/1.7/user-guide.html#loops
"""

from callpark.graphql.runtimes.vtl.failures import Break
from callpark.graphql.runtimes.vtl.members.method import Table, method
from callpark.graphql.runtimes.vtl.run import Run
from callpark.graphql.runtimes.vtl.values import JavaIterator, View


class LoopScope:
    """`index` from 0; `parent` is the scope of the loop around, or null."""

    __slots__ = ("index", "parent", "size")

    def __init__(self, size: int, parent: object) -> None:
        self.size = size
        self.index = -1
        self.parent = parent if isinstance(parent, LoopScope) else None


def looped(value: object) -> list[object] | None:
    """What `#foreach` goes through: items, a map's values; None for what it cannot."""
    if isinstance(value, list):
        return list(value)
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, View):
        return value.items()
    if isinstance(value, JavaIterator):
        return list(value.rest())
    return None


def _topmost(run: Run, scope: LoopScope) -> LoopScope:
    while scope.parent is not None:
        scope = scope.parent
    return scope


def _stop(run: Run, scope: LoopScope) -> object:
    raise Break


LOOP_PROPERTIES: Table = {
    "index": method(lambda run, scope: scope.index),
    "count": method(lambda run, scope: scope.index + 1),
    "hasNext": method(lambda run, scope: scope.index + 1 < scope.size),
    "first": method(lambda run, scope: scope.index == 0),
    "last": method(lambda run, scope: scope.index + 1 == scope.size),
    "parent": method(lambda run, scope: scope.parent),
    "topmost": method(_topmost),
}
LOOP: Table = {
    "hasNext": LOOP_PROPERTIES["hasNext"],
    "isFirst": LOOP_PROPERTIES["first"],
    "isLast": LOOP_PROPERTIES["last"],
    "getIndex": LOOP_PROPERTIES["index"],
    "getCount": LOOP_PROPERTIES["count"],
    "getParent": LOOP_PROPERTIES["parent"],
    "getTopmost": LOOP_PROPERTIES["topmost"],
    "stop": method(_stop),
}
