"""One request while it runs, and one field of it as resolvers see it.

Made by `plan.py` and `service.py`; `resolvers/` read the FieldCall. The only mutable values of the plan.
"""

import logging
from collections.abc import Callable, Hashable, Mapping
from typing import TypeAlias

from callpark.graphql.batches import Batch
from callpark.graphql.failures import FieldFailure, Path, failure_entry
from callpark.graphql.messages import ErrorEntry, GraphqlRequest
from callpark.graphql.request_log import FieldLog, RequestLog
from callpark.graphql.selection import Selector, locations, selection_text
from graphql import FieldNode, OperationType, SelectionSetNode

_log = logging.getLogger("callpark")


class Execution:
    """`variables` are coerced; `errors` grows as fields fail; `effects` holds what resolvers asked of `extensions`;
    `deadline` in epoch seconds; `batches` are those of `resolvers/batching.py` that are still open; `log` is None
    unless the API writes one."""

    __slots__ = (
        "batches",
        "deadline",
        "effects",
        "errors",
        "log",
        "operation",
        "publish",
        "request",
        "request_id",
        "resolvers_left",
        "variables",
    )

    def __init__(
        self,
        request: GraphqlRequest,
        variables: dict[str, object],
        resolvers_left: int,
        publish: Callable[[str, object], None],
        request_id: str = "",
        deadline: float = 0.0,
        operation: OperationType = OperationType.QUERY,
        log: RequestLog | None = None,
    ) -> None:
        self.request = request
        self.variables = variables
        self.errors: list[ErrorEntry] = []
        self.effects: list[dict[str, object]] = []
        self.resolvers_left = resolvers_left
        self.publish = publish
        self.request_id = request_id
        self.deadline = deadline
        self.operation = operation
        self.log = log
        self.batches: dict[Hashable, Batch] = {}

    def record(self, failure: FieldFailure, path: Path, site: "FieldSite") -> None:
        self.errors.append(failure_entry(failure, path, site.locations))

    def note_resolver(self) -> None:
        """Raises FieldFailure when the request has run as many resolvers as it may."""
        self.resolvers_left -= 1
        if self.resolvers_left < 0:
            raise FieldFailure("Resolver invocation limit reached.", "ResolverExecutionLimitReached")


class FieldSite:
    """What is known of a field before anything runs: one per compiled field."""

    __slots__ = ("_graphql", "_list", "_selector", "_sets", "field_name", "locations", "parent_type", "return_type")

    def __init__(self, parent_type: str, nodes: list[FieldNode], selector: Selector, return_type: str) -> None:
        self.parent_type = parent_type
        self.return_type = return_type
        self.field_name = nodes[0].name.value
        self.locations = locations(nodes[:1])
        self._selector = selector
        self._sets: list[SelectionSetNode] = [node.selection_set for node in nodes if node.selection_set]
        self._list: list[str] | str = return_type
        self._graphql: str | None = None

    def selection_set_list(self) -> list[str]:
        """AppSync's `info.selectionSetList`."""
        if isinstance(self._list, str):
            self._list = list(dict.fromkeys(self._selector.names(self._sets, self._list)))
        return self._list

    def selection_set_graphql(self) -> str:
        """AppSync's `info.selectionSetGraphQL`."""
        if self._graphql is None:
            self._graphql = selection_text(self._sets)
        return self._graphql

    def filter(self, data: object) -> object:
        """What of `data` an error of this field may show."""
        return self._selector.filter(data, self._sets)


class FieldCall:
    """One field to be resolved."""

    __slots__ = ("appended", "arguments", "execution", "log", "path", "site", "source")

    def __init__(
        self, site: FieldSite, execution: Execution, source: object, arguments: Mapping[str, object], path: Path
    ) -> None:
        self.site = site
        self.execution = execution
        self.source = source
        self.arguments = arguments
        self.path = path
        self.appended = False
        self.log: FieldLog | None = None

    def append_error(self, failure: FieldFailure) -> None:
        """Add an entry to `errors` and go on."""
        self.appended = True
        self.execution.record(failure, self.path, self.site)


Resolver: TypeAlias = Callable[[FieldCall], object]
"""Returns the field's raw value, or a coroutine of it; raises FieldFailure. Never mutates what it is handed."""


def internal_failure(error: Exception, site: FieldSite) -> FieldFailure:
    """A bug of ours, logged, and the little that a client sees of it."""
    _log.error("a resolver of %s.%s broke", site.parent_type, site.field_name, exc_info=error)
    return FieldFailure("An internal failure occurred while resolving this field.", "InternalFailure")


def warn_of_effects(execution: Execution, acted_on: tuple[str, ...]) -> None:
    """What resolvers asked for by `extensions` and has no effect in this kind of operation."""
    for effect in execution.effects:
        if effect["name"] not in acted_on:
            _log.warning("extensions.%s has no effect here (request %s)", effect["name"], execution.request_id)
