"""What a `start` asks for, and what its field's own resolver says to it: a refusal, or filters. Called by `service.py`.

https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-enhanced-filtering.html
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from types import CoroutineType
from typing import Final, cast

from callpark.graphql.documents import Document, Documents
from callpark.graphql.execution import Execution, FieldCall, Resolver, internal_failure, warn_of_effects
from callpark.graphql.failures import FieldFailure, failure_entry
from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.realtime.filters import excess
from callpark.graphql.subscriptions import CompiledSubscription, PreparedSubscription, SubscriptionRefused
from callpark.graphql.validation import InvalidDocument
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import AppSyncLimits
from graphql import OperationDefinitionNode, OperationType

_log = logging.getLogger("callpark")

_EFFECTS: Final[Mapping[str, str]] = {
    "setSubscriptionFilter": "filter",
    "setSubscriptionInvalidationFilter": "invalidation_filter",
}


def operation_of(documents: Documents, request: GraphqlRequest) -> tuple[Document, OperationDefinitionNode]:
    """The subscription that a request asks for. Raises InvalidDocument."""
    document = documents.document(request.query)
    try:
        operation = documents.operation(document, request.operation_name)
    except CallerError as error:
        raise InvalidDocument([{"errorType": error.code, "message": error.message}]) from None
    if operation.operation is not OperationType.SUBSCRIPTION:
        message = f"A {operation.operation.value} cannot be started as a subscription."
        raise InvalidDocument([{"errorType": "BadRequestException", "message": message}])
    return document, operation


async def checked(
    resolver: Resolver,
    prepared: PreparedSubscription,
    compiled: CompiledSubscription,
    execution: Execution,
    limits: AppSyncLimits,
) -> PreparedSubscription:
    """Run the subscription field's resolver once: it may refuse, or set filters. Its value is not used.
    Raises SubscriptionRefused."""
    call = FieldCall(compiled.site, execution, {}, prepared.arguments, (None, compiled.response_key))
    try:
        value = resolver(call)
        if isinstance(value, CoroutineType):
            value = await value
    except FieldFailure as failure:
        raise SubscriptionRefused([entry(failure, compiled)]) from None
    except Exception as error:
        raise SubscriptionRefused([entry(internal_failure(error, compiled.site), compiled)]) from error
    if value is not None and any(effect["name"] == "setSubscriptionFilter" for effect in execution.effects):
        _log.warning("the resolver of %s sets a filter: AppSync wants it to return null", compiled.field_name)
    warn_of_effects(execution, tuple(_EFFECTS))
    for effect in execution.effects:
        member = _EFFECTS.get(str(effect["name"]))
        parameters = cast(list[object], effect["parameters"])
        if member is not None and parameters and isinstance(parameters[0], dict):
            given = cast(dict[str, object], parameters[0])
            if (message := excess(given, limits)) is not None:
                raise SubscriptionRefused([{"message": message, "errorCode": 400}])
            prepared = (
                replace(prepared, filter=given) if member == "filter" else replace(prepared, invalidation_filter=given)
            )
    return prepared


def entry(failure: FieldFailure, compiled: CompiledSubscription) -> dict[str, object]:
    """Of the `error` frame."""
    return failure_entry(failure, (None, compiled.response_key), compiled.site.locations)
