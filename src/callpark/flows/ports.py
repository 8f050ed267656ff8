"""What the flows slice asks of others: somebody who runs functions, and the AWS services that callpark does not serve
itself (topics, buckets). `app.py` hands them over.
"""

from collections.abc import Mapping
from typing import Protocol

from callpark.flows.events import FunctionAnswer


class FunctionRunner(Protocol):
    """Functions by ARN. A run that takes real time holds the clock."""

    def refusal(self, function_arn: str) -> str | None:
        """Why this function cannot be called at all (unknown, not permitted), None when it can. Must be quick."""
        ...

    async def run(self, function_arn: str, payload: bytes, request_id: str) -> FunctionAnswer:
        """Run a function to its end with that request id. What goes wrong in it is an answer that failed."""
        ...


class Upstreams(Protocol):
    """Names of services and operations are botocore's, parameters and members as its clients have them."""

    def remedy(self, service: str) -> str | None:
        """What the user can do so that somebody serves it; None when somebody does."""
        ...

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        """Raises CallerError with the service's own error, and with status 5xx when it cannot be reached."""
        ...
