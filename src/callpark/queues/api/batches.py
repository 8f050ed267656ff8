"""Batches: what makes a whole batch refused, and how its entries are answered. Pure; called by `messages.py`.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
"""

import re
from collections.abc import Mapping, Sequence

from callpark.kernel.errors import CallerError
from callpark.kernel.limits import SqsLimits
from callpark.queues import refusals

Entry = Mapping[str, object]

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)

#: What the old protocol called them, for the two codes that a failed entry may have here (recorded).
_CODES = {
    "InvalidParameterValueException": "InvalidParameterValue",
    "MissingRequiredParameterException": "MissingParameter",
}


def entries(parameters: Mapping[str, object], kind: str, limits: SqsLimits) -> Sequence[Entry]:
    """The entries of a batch, each with an id of its own. `kind` as in `SendMessageBatchRequestEntry`. Raises
    CallerError."""
    given = parameters.get("Entries")
    found = [entry for entry in given if isinstance(entry, Mapping)] if isinstance(given, Sequence) else []
    if not found:
        raise refusals.empty_batch(kind)
    if len(found) > limits.batch_entries:
        raise refusals.too_many_entries(limits.batch_entries, len(found))
    seen: set[str] = set()
    for entry in found:
        entry_id = str(entry.get("Id", ""))
        if _ID.fullmatch(entry_id) is None:
            raise refusals.batch_id()
        if entry_id in seen:
            raise refusals.batch_id_twice(entry_id)
        seen.add(entry_id)
    return found


def failed(entry: Entry, error: CallerError) -> dict[str, object]:
    """A BatchResultErrorEntry."""
    return {
        "Id": str(entry["Id"]),
        "SenderFault": error.status < 500,
        "Code": _CODES.get(error.code, error.code),
        "Message": error.message,
    }


def answer(successful: Sequence[object], failures: Sequence[object]) -> dict[str, object]:
    """Members without anything in them are left out, as recorded."""
    found: dict[str, object] = {}
    if successful:
        found["Successful"] = list(successful)
    if failures:
        found["Failed"] = list(failures)
    return found
