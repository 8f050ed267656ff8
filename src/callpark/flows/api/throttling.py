"""Amazon Connect's request rates, for those who want to meet them: a bucket of tokens for each operation.

Off unless `connect.api_requests_per_second` is set: AWS allows 2 a second with a burst of 5, and a test suite would
spend its time waiting.
https://docs.aws.amazon.com/connect/latest/adminguide/amazon-connect-service-limits.html
"""

from collections.abc import Mapping

from callpark.flows.control.refusals import refusal
from callpark.kernel.clock import Clock
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.operations import Answer, Call, Operation, OperationTable


def throttled(table: OperationTable, clock: Clock, limits: ConnectLimits) -> OperationTable:
    """The same operations, each refusing what comes too fast."""
    if limits.api_requests_per_second <= 0:
        return table
    return {name: _throttled(operation, clock, limits) for name, operation in table.items()}


def _throttled(operation: Operation, clock: Clock, limits: ConnectLimits) -> Operation:
    rate, burst = limits.api_requests_per_second, limits.api_burst
    tokens, at = burst, clock.now()

    async def throttle(call: Call) -> Mapping[str, object] | Answer:
        nonlocal tokens, at
        now = clock.now()
        tokens, at = min(burst, tokens + (now - at) * rate), now
        if tokens < 1:
            raise refusal("ThrottlingException", 429, "Rate exceeded")
        tokens -= 1
        return await operation(call)

    return throttle
