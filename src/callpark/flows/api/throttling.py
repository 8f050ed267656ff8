"""Amazon Connect's request rates, for those who want to meet them: a bucket of tokens for each operation.

Off unless `connect.api_requests_per_second` is set: AWS allows 2 a second with a burst of 5, and a test suite would
spend its time waiting. Once it is set, the operations of chats have rates of their own, as AWS gives them.
https://docs.aws.amazon.com/connect/latest/adminguide/amazon-connect-service-limits.html
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from callpark.flows.control.refusals import refusal
from callpark.kernel.clock import Clock
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.operations import Answer, Call, Operation, OperationTable

Rate: TypeAlias = tuple[float, float]
"""Requests a second, and how many at once after a pause."""


def _start(limits: ConnectLimits) -> Rate:
    return limits.chat_start_requests_per_second, limits.chat_start_burst


def _connection(limits: ConnectLimits) -> Rate:
    return limits.chat_connection_requests_per_second, limits.chat_connection_burst


def _message(limits: ConnectLimits) -> Rate:
    return limits.chat_message_requests_per_second, limits.chat_message_burst


def _reading(limits: ConnectLimits) -> Rate:
    return limits.chat_reading_requests_per_second, limits.chat_reading_burst


def _leaving(limits: ConnectLimits) -> Rate:
    return limits.chat_leaving_requests_per_second, limits.chat_leaving_burst


#: Operations that are not asked as often as the others, or more often.
RATES: Final[Mapping[str, Callable[[ConnectLimits], Rate]]] = {
    "StartChatContact": _start,
    "StartContactStreaming": _start,
    "StopContactStreaming": _start,
    "CreateParticipantConnection": _connection,
    "SendMessage": _message,
    "SendEvent": _message,
    "GetTranscript": _reading,
    "GetAttachment": _reading,
    "DisconnectParticipant": _leaving,
}


def throttled(table: OperationTable, clock: Clock, limits: ConnectLimits) -> OperationTable:
    """The same operations, each refusing what comes too fast."""
    if limits.api_requests_per_second <= 0:
        return table
    usual = limits.api_requests_per_second, limits.api_burst
    rates = {name: RATES[name[1]](limits) if name[1] in RATES else usual for name in table}
    return {name: _throttled(operation, clock, *rates[name]) for name, operation in table.items()}


def _throttled(operation: Operation, clock: Clock, rate: float, burst: float) -> Operation:
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
