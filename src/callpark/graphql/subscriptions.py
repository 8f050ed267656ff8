"""Subscription operations: bound to their mutations and compiled into projections. Pure.

Compiled by `documents.py`, bound by `service.py`; the values are used by `realtime/`. A published value is completed
once more, against the subscription's selection: its scalars are serialised already and no resolver runs again.
https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-data.html
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from callpark.graphql.arguments import Arguments, field_arguments
from callpark.graphql.auth.access import Access
from callpark.graphql.execution import Execution, FieldSite
from callpark.graphql.messages import ErrorEntry, GraphqlRequest
from callpark.graphql.plan import PlanSettings, compile_plan
from callpark.graphql.selection import Fragments, Selector, Switches
from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    OperationDefinitionNode,
    Visitor,
    VisitorAction,
    get_named_type,
    print_ast,
    visit,
)


class SubscriptionRefused(Exception):
    """A `start` that cannot become a subscription; `errors` go into the `error` frame's payload."""

    def __init__(self, errors: Sequence[ErrorEntry]) -> None:
        super().__init__("; ".join(str(error.get("message")) for error in errors))
        self.errors = tuple(errors)


@dataclass(frozen=True, slots=True)
class PreparedSubscription:
    """One valid subscription operation.

    field_name          the subscription field in the schema
    arguments           its coerced arguments; an omitted argument is absent, an explicit null is None
    mutations           names of the mutation fields that feed it (@aws_subscribe)
    shape               equal for two subscriptions whose `project` gives equal payloads for equal values
    project             published value (Publication.value) → the `payload` of a `data` frame: {"data": {…}} and
                        "errors" when a non-null field was not selected by the mutation
    filter              what `extensions.setSubscriptionFilter` gave; replaces argument filtering when not None
    invalidation_filter what `extensions.setSubscriptionInvalidationFilter` gave
    """

    field_name: str
    arguments: Mapping[str, object]
    mutations: tuple[str, ...]
    shape: str
    project: Callable[[object], dict[str, object]]
    filter: Mapping[str, object] | None = None
    invalidation_filter: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class CompiledSubscription:
    """What subscriptions with the same document, mode and switches have in common."""

    field_name: str
    response_key: str
    arguments: Arguments
    site: FieldSite
    permitted: bool
    mutations: tuple[str, ...]
    shape: str
    project: Callable[[object], dict[str, object]]

    def bind(self, execution: Execution) -> PreparedSubscription:
        """The subscription with this request's arguments. Raises GraphQLError."""
        return PreparedSubscription(
            self.field_name, self.arguments(execution), self.mutations, self.shape, self.project
        )


def compile_subscription(
    settings: PlanSettings,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    fragments: Fragments,
    access: Access,
    switches: Switches,
) -> CompiledSubscription:
    """The subscription of a valid document (exactly one root field). Raises PlanTooLarge."""
    schema = settings.schema
    root = schema.graphql.subscription_type
    assert root is not None, "validated documents name root types that exist"
    selector = Selector(schema.graphql, fragments, switches)
    groups = selector.fields(root, [operation.selection_set])
    (response_key, nodes), *_ = groups.items()
    name = nodes[0].name.value
    published = dataclasses.replace(settings, resolvers={}, serializer=lambda named: _unchanged)
    plan = compile_plan(published, document, operation, fragments, access, switches)
    blank = GraphqlRequest(query="")

    def project(value: object) -> dict[str, object]:
        execution = Execution(blank, {}, 0, lambda field_name, value: None)
        payload: dict[str, object] = {"data": plan.start(execution, {name: value})}
        if execution.errors:
            payload["errors"] = execution.errors
        return payload

    return CompiledSubscription(
        field_name=name,
        response_key=response_key,
        arguments=field_arguments(root.fields[name], nodes[0]),
        site=FieldSite(root.name, nodes, selector, get_named_type(root.fields[name].type).name),
        permitted=schema.rules.permits(access, settings.default, root.name, name),
        mutations=schema.subscribed.get(name, ()),
        shape=_shape(operation, fragments, access, switches),
        project=project,
    )


def _unchanged(value: object) -> object:
    return value


def _shape(operation: OperationDefinitionNode, fragments: Fragments, access: Access, switches: Switches) -> str:
    """The selection as text without field arguments, which do not change what is projected."""

    class WithoutArguments(Visitor):
        def enter_argument(
            self, node: ArgumentNode, key: object, parent: object, path: object, ancestors: list[object]
        ) -> VisitorAction | None:
            return self.REMOVE if isinstance(ancestors[-1], FieldNode) else None

    texts = [print_ast(visit(operation.selection_set, WithoutArguments()))]
    texts += [print_ast(visit(fragment, WithoutArguments())) for _, fragment in sorted(fragments.items())]
    return "\n".join([repr(access), *(f"{name}={value}" for name, value in sorted(switches.items())), *texts])
