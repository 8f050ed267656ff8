"""Documents of one API, parsed, validated and compiled once: (document, validated, plans), bounded.

Used by `service.py`. Parsing and validation are nearly all of a small request's cost, hence the cache.
"""

import contextlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql.execution.values import get_variable_values

from callpark.graphql.auth.access import Access, access_of
from callpark.graphql.messages import ErrorEntry, GraphqlRequest
from callpark.graphql.plan import Plan, PlanSettings, PlanTooLarge, compile_plan
from callpark.graphql.refusals import bad_request
from callpark.graphql.selection import switch_names
from callpark.graphql.subscriptions import CompiledSubscription, compile_subscription
from callpark.graphql.validation import InvalidDocument, parse_document, problem, validate_document
from callpark.graphql.variables import variable_problem
from callpark.kernel.limits import AppSyncLimits
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
)

_PLANS_PER_DOCUMENT = 32
"""Our rule: combinations of operation, access and switches kept for one document."""

_FEW_SPREADS, _MANY_FIELDS = 8, 1_000
"""Our rule: a document that may expand to more is prepared on a thread."""


@dataclass(slots=True)
class Document:
    """A parsed document; `problems` is empty when it is valid. `heavy`: compiling it takes a while."""

    ast: DocumentNode
    problems: tuple[ErrorEntry, ...]
    operations: tuple[OperationDefinitionNode, ...]
    fragments: Mapping[str, FragmentDefinitionNode]
    heavy: bool = False
    switches: dict[str, tuple[str, ...]] = field(default_factory=dict)
    plans: "OrderedDict[tuple[object, ...], Plan | CompiledSubscription]" = field(default_factory=OrderedDict)


@dataclass(frozen=True, slots=True)
class Prepared:
    """`variables` are coerced."""

    operation: OperationDefinitionNode
    variables: dict[str, object]
    plan: Plan


class Documents:
    """The documents one version of an API has seen lately."""

    def __init__(self, settings: PlanSettings, limits: AppSyncLimits) -> None:
        self._settings = settings
        self._limits = limits
        self._documents: OrderedDict[str, Document] = OrderedDict()
        self.named_groups = settings.schema.rules.groups
        """Groups that make a difference to what a caller may see."""

    def is_quick(self, request: GraphqlRequest) -> bool:
        """Whether `prepare` is a matter of milliseconds at most."""
        document = self._documents.get(request.query)
        if document is None:
            small = len(request.query) <= self._limits.inline_document_characters
            quick = small and request.query.count("...") <= _FEW_SPREADS
        else:
            quick = not document.heavy
        return quick and (not request.variables or _is_small(request.variables, self._limits.inline_values))

    def prepare(self, request: GraphqlRequest) -> Prepared:
        """A query or mutation, ready to run. Raises InvalidDocument, and CallerError when the name does not settle
        the operation."""
        document = self.document(request.query)
        operation = self.operation(document, request.operation_name)
        if operation.operation is OperationType.SUBSCRIPTION:
            raise bad_request("Subscriptions are served over the WebSocket endpoint.")
        variables = self.variables(operation, request.variables)
        plan = self.plan(document, operation, access_of(request, self.named_groups), variables)
        return Prepared(operation, variables, plan)

    def document(self, query: str) -> Document:
        """The valid document of that text. Raises InvalidDocument."""
        document = self._documents.get(query)
        if document is None:
            document = self._read(query)
            if len(query) <= self._limits.cached_document_characters:
                self._documents[query] = document
                if len(self._documents) > self._limits.document_cache_entries:
                    self._documents.popitem(last=False)
        else:
            with contextlib.suppress(KeyError):  # a large request's thread may have dropped it just now
                self._documents.move_to_end(query)
        if document.problems:
            raise InvalidDocument(document.problems)
        return document

    def operation(self, document: Document, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises CallerError when the name does not settle it."""
        if name:
            for operation in document.operations:
                if operation.name is not None and operation.name.value == name:
                    return operation
            raise bad_request(f"Unknown operation named '{name}'.")
        if len(document.operations) != 1:
            raise bad_request("Missing operation name.")
        return document.operations[0]

    def variables(self, operation: OperationDefinitionNode, raw: Mapping[str, object]) -> dict[str, object]:
        """Coerced variables. Raises InvalidDocument."""
        if not operation.variable_definitions:
            return {}
        values = get_variable_values(
            self._settings.schema.graphql, operation.variable_definitions, dict(raw), max_errors=10
        )
        if isinstance(values, list):
            raise InvalidDocument([variable_problem(error) for error in values])
        return values

    def plan(
        self, document: Document, operation: OperationDefinitionNode, access: Access, variables: Mapping[str, object]
    ) -> Plan:
        """The compiled query or mutation. Raises InvalidDocument when it is too large."""
        compiled = self._compiled(document, operation, access, variables)
        assert isinstance(compiled, Plan)
        return compiled

    def subscription(
        self, document: Document, operation: OperationDefinitionNode, access: Access, variables: Mapping[str, object]
    ) -> CompiledSubscription:
        """The compiled subscription. Raises InvalidDocument when it is too large."""
        compiled = self._compiled(document, operation, access, variables)
        assert isinstance(compiled, CompiledSubscription)
        return compiled

    def _compiled(
        self, document: Document, operation: OperationDefinitionNode, access: Access, variables: Mapping[str, object]
    ) -> Plan | CompiledSubscription:
        name = operation.name.value if operation.name else ""
        names = document.switches.get(name)
        if names is None:
            names = document.switches[name] = switch_names(operation, document.fragments)
        key = (name, access, *(bool(variables.get(each)) for each in names))
        compiled = document.plans.get(key)
        if compiled is not None:
            return compiled
        switches = {each: bool(variables.get(each)) for each in names}
        compile_ = compile_subscription if operation.operation is OperationType.SUBSCRIPTION else compile_plan
        try:
            compiled = compile_(self._settings, document.ast, operation, document.fragments, access, switches)
        except PlanTooLarge:
            document.heavy = True
            most = self._limits.selected_fields
            raise InvalidDocument([problem(f"The operation selects more than {most} fields.")]) from None
        except GraphQLError as error:
            raise InvalidDocument([problem(error.message)]) from None
        document.plans[key] = compiled
        document.heavy = document.heavy or (isinstance(compiled, Plan) and compiled.fields > _MANY_FIELDS)
        if len(document.plans) > _PLANS_PER_DOCUMENT:
            document.plans.popitem(last=False)
        return compiled

    def _read(self, query: str) -> Document:
        ast = parse_document(query, self._limits.document_tokens)
        problems = validate_document(self._settings.schema.graphql, ast, introspection=self._settings.introspection)
        operations = tuple(node for node in ast.definitions if isinstance(node, OperationDefinitionNode))
        fragments = {node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)}
        return Document(ast, problems, operations, fragments)


def _is_small(variables: Mapping[str, object], most: int) -> bool:
    """Whether variables hold at most so many values, long texts counted as several."""
    left, waiting = most, [*variables.values()]
    while waiting and left >= 0:
        left -= 1
        match waiting.pop():
            case dict() as members:
                waiting.extend(members.values())
                left -= len(members)
            case list() as items:
                waiting.extend(items)
                left -= len(items)
            case str() as text:
                left -= len(text) // 1_000
    return left >= 0
