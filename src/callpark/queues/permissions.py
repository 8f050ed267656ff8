"""AddPermission and RemovePermission: statements of a queue's access policy. Pure; called by `administration.py`.

Nobody here acts on policies; they are kept and shown as AWS writes them (recorded).
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_AddPermission.html
"""

from collections.abc import Mapping, Sequence

import orjson

from callpark.kernel.limits import SqsLimits
from callpark.queues import refusals
from callpark.queues.model import Queue


def added(queue: Queue, label: str, accounts: Sequence[str], actions: Sequence[str], limits: SqsLimits) -> str:
    """The policy with a statement more. Raises CallerError."""
    policy = _policy(queue)
    statements = _statements(policy)
    if any(statement.get("Sid") == label for statement in statements):
        raise refusals.invalid_value(label, "Label", "Already exists.")
    if len(statements) >= limits.permission_statements:
        raise refusals.over_statements(limits.permission_statements)
    if not accounts:
        raise refusals.missing("AWSAccountIds")
    if not actions:
        raise refusals.missing("Actions")
    principals = [f"arn:aws:iam::{account}:root" for account in accounts]
    named = [f"SQS:{action}" for action in actions]
    statement: dict[str, object] = {
        "Sid": label,
        "Effect": "Allow",
        "Principal": {"AWS": principals[0] if len(principals) == 1 else principals},
        "Action": named[0] if len(named) == 1 else named,
        "Resource": queue.arn,
    }
    return orjson.dumps({**policy, "Statement": [*statements, statement]}).decode()


def removed(queue: Queue, label: str) -> str:
    """The policy without a statement, empty when that was the last. Raises CallerError."""
    policy = _policy(queue)
    statements = _statements(policy)
    left = [statement for statement in statements if statement.get("Sid") != label]
    if len(left) == len(statements):
        raise refusals.invalid_value(label, "Label", "can't find label.")
    return orjson.dumps({**policy, "Statement": left}).decode() if left else ""


def _policy(queue: Queue) -> Mapping[str, object]:
    text = queue.attributes.get("Policy")
    if text:
        policy = orjson.loads(text)
        if isinstance(policy, dict):
            return policy
    return {"Version": "2008-10-17", "Id": f"{queue.arn}/SQSDefaultPolicy"}


def _statements(policy: Mapping[str, object]) -> list[Mapping[str, object]]:
    found = policy.get("Statement")
    entries = found if isinstance(found, list) else [found]
    return [entry for entry in entries if isinstance(entry, dict)]
