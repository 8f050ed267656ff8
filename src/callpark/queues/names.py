"""Names, URLs and ARNs of queues. Pure; called by the service and the operations.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
"""

import re
from urllib.parse import quote, unquote

from callpark.kernel.arn import Arn, Place
from callpark.queues import refusals

FIFO_SUFFIX = ".fifo"
_PLAIN = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def check_new(name: str, fifo: bool, longest: int) -> None:
    """Whether a queue may be called `name`. Raises CallerError."""
    stem = name.removesuffix(FIFO_SUFFIX) if fifo else name
    if fifo and (stem == name or not _fits(stem, name, longest)):
        raise refusals.invalid_parameter(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, "
            f"must end with .fifo suffix and be 1 to {longest} in length."
        )
    if not fifo and not _fits(stem, name, longest):
        raise refusals.invalid_parameter(
            f"Can only include alphanumeric characters, hyphens, or underscores. 1 to {longest} in length"
        )


def _fits(stem: str, name: str, longest: int) -> bool:
    return len(name) <= longest and _PLAIN.fullmatch(stem) is not None


def url_of(base_url: str, place: Place, name: str) -> str:
    """As in `http://127.0.0.1:4566/123456789012/orders`."""
    return f"{base_url}/{place.account}/{quote(name)}"


def name_in_url(url: str, place: Place) -> str:
    """The queue a URL means, whatever host it names. Raises CallerError for what is no queue URL, or another
    account's."""
    _, _, behind_scheme = url.partition("://")
    _, _, path = behind_scheme.partition("/")
    account, _, name = path.partition("?")[0].rpartition("/")
    if not account or not name:
        raise refusals.invalid_address(url)
    if account.rpartition("/")[2] != place.account:
        raise refusals.no_queue()
    return unquote(name)


def name_in_arn(arn: str, place: Place) -> str | None:
    """The queue of this place an ARN means; None for anything else."""
    parsed = Arn.parse(arn)
    if parsed is None or parsed.service != "sqs" or "/" in parsed.resource or ":" in parsed.resource:
        return None
    here = (parsed.region, parsed.account) == (place.region, place.account)
    return parsed.resource if here else None
