"""AMAZON_DYNAMODB: every operation of AppSync on whoever serves DynamoDB. Used by `resolvers/`.

A failed condition is looked at as AppSync does: the item is read, and a put of what is there already, or a delete of
what is gone, has succeeded. Conflict detection (versioned data sources, Sync) is refused by name.
https://docs.aws.amazon.com/appsync/latest/devguide/js-resolver-reference-dynamodb.html
"""

from collections.abc import Mapping, Sequence
from typing import cast

from callpark.graphql.datasources.dynamodb.expressions import Condition, condition, expression_object
from callpark.graphql.datasources.dynamodb.operations import SINGLE, Parameters, Prepared, key
from callpark.graphql.datasources.dynamodb.several import SEVERAL, PreparedSet
from callpark.graphql.datasources.dynamodb.values import Item, plain_item
from callpark.graphql.datasources.port import Outcome, SourceError, Upstreams
from callpark.graphql.datasources.requests import Document, invalid, required_text
from callpark.graphql.failures import FieldFailure
from callpark.graphql.model import TableConfig
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import Ids

_FAILED_CHECK = "ConditionalCheckFailedException"
_CANCELLED = "TransactionCanceledException"


class DynamoSource:
    """One table as a data source; batches and transactions name their tables themselves."""

    def __init__(self, table: TableConfig, upstreams: Upstreams, ids: Ids) -> None:
        self._table = table
        self._upstreams = upstreams
        self._ids = ids

    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        operation = required_text(request, "operation")
        if self._table.versioned or operation == "Sync":
            what = "Sync" if operation == "Sync" else "versioned data sources"
            raise FieldFailure(f"callpark has no conflict detection: {what} cannot be used", "UnsupportedOperation")
        if operation in SINGLE:
            return await self._single(operation, request)
        if operation in SEVERAL:
            return await self._several(SEVERAL[operation](request))
        raise invalid(f"Unsupported operation '{operation}'. Supported are: {', '.join((*SINGLE, *SEVERAL))}.")

    async def _single(self, operation: str, request: Document) -> Outcome:
        prepared = SINGLE[operation](request, self._table.table)
        check = condition(request)
        if check.handler is not None:
            raise FieldFailure(
                "callpark does not call functions of a conditionalCheckFailedHandler (strategy Custom)",
                "UnsupportedOperation",
            )
        try:
            return Outcome(prepared.read(await self._call(prepared.operation, prepared.parameters)))
        except CallerError as error:
            if error.code == _FAILED_CHECK and expression_object(request, "condition") is not None:
                return await self._looked_at(prepared, request, check, error)
            return Outcome(error=self._error(error))

    async def _looked_at(self, prepared: Prepared, request: Document, check: Condition, error: CallerError) -> Outcome:
        """Whether a failed condition leaves things as the caller wanted them; if not, the item is the result."""
        asked: Parameters = {
            "TableName": self._table.table,
            "Key": key(request),
            "ConsistentRead": check.consistent_read,
        }
        try:
            found = (await self._call("GetItem", asked)).get("Item")
        except CallerError as unread:
            return Outcome(error=self._error(unread))
        current = plain_item(cast(Item, found)) if found else None
        if prepared.operation == "PutItem" and current is not None:
            wanted = plain_item(cast(Item, prepared.parameters["Item"]))
            if _without(wanted, check.ignored) == _without(current, check.ignored):
                return Outcome(current)
        if prepared.operation == "DeleteItem" and current is None:
            return Outcome(None)
        return Outcome(current, self._error(error))

    async def _several(self, prepared: PreparedSet) -> Outcome:
        try:
            return Outcome(prepared.read(await self._call(prepared.operation, prepared.parameters)))
        except CallerError as error:
            return Outcome(prepared.failed(_reasons(error)), self._error(error))

    async def _call(self, operation: str, parameters: Parameters) -> Mapping[str, object]:
        return await self._upstreams.call("dynamodb", operation, parameters)

    def _error(self, error: CallerError) -> SourceError:
        """Worded as AWS's Java client words it; that nobody serves DynamoDB is said as it is."""
        kind = f"DynamoDB:{error.code}"
        if error.code == "ServiceUnavailable":
            return SourceError(error.message, kind)
        request_id = self._ids.hex(26).upper()
        return SourceError(
            f"{error.message} (Service: AmazonDynamoDBv2; Status Code: {error.status}; Error Code: {error.code}; "
            f"Request ID: {request_id})",
            kind,
        )


def _without(item: Mapping[str, object], names: frozenset[str]) -> dict[str, object]:
    return {name: value for name, value in item.items() if name not in names}


def _reasons(error: CallerError) -> Sequence[Mapping[str, object]]:
    """DynamoDB's reasons for a cancelled transaction; of those who send none, the codes in the message."""
    if error.code != _CANCELLED:
        return ()
    reasons = error.body.get("CancellationReasons")
    if isinstance(reasons, list):
        return reasons
    _, _, listed = error.message.partition("[")
    return [{"Code": each.strip()} for each in listed.rstrip("]. ").split(",") if each.strip()]
