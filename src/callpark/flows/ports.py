"""What the flows slice asks of others: somebody who runs functions. `app.py` hands it over."""

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
