"""Request rates, once somebody wants them: each operation its own, those of chats as AWS has them."""

import pytest

from callpark.flows.api.throttling import RATES, throttled
from callpark.gateway.models import service_model
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.operations import Call, OperationTable

pytestmark = pytest.mark.unit


async def nothing(call: Call) -> dict[str, object]:
    return {}


NAMES = ("SendMessage", "CreateParticipantConnection", "StartChatContact", "GetTranscript", "DescribeContact")
TABLE: OperationTable = {("s", name): nothing for name in NAMES}


async def taken(table: OperationTable, name: str, asked: int = 30) -> int:
    """How many of these requests at once are not refused."""
    call, count = Call("s", name, {}, "r", Place()), 0
    for _ in range(asked):
        try:
            await table["s", name](call)
            count += 1
        except CallerError:
            continue
    return count


async def test_bursts_and_rates(clock: VirtualClock) -> None:
    table = throttled(TABLE, clock, ConnectLimits(api_requests_per_second=2.0))
    assert [await taken(table, name) for name in NAMES] == [15, 9, 8, 12, 5]
    with pytest.raises(CallerError, match="ThrottlingException: Rate exceeded") as refusal:
        await table["s", NAMES[0]](Call("s", NAMES[0], {}, "r", Place()))
    assert refusal.value.status == 429
    await clock.advance(1)
    assert [await taken(table, name) for name in NAMES] == [10, 6, 5, 8, 2]


async def test_nothing_is_refused_unless_somebody_asks_for_it(clock: VirtualClock) -> None:
    assert throttled(TABLE, clock, ConnectLimits()) is TABLE


def test_every_rate_is_of_an_operation() -> None:
    known = {name for service in ("connect", "connectparticipant") for name in service_model(service).operation_names}
    assert set(RATES) <= known
