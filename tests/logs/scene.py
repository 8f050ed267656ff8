"""A running logs slice on virtual time, asked as the gateway asks it."""

from dataclasses import dataclass, replace

from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.limits import LogsLimits
from callpark.kernel.operations import Answer, Call, OperationTable
from callpark.logs.api.operations import operations
from callpark.logs.service import Logs
from callpark.store.memory import MemoryFaults, MemoryStore
from callpark.store.ports import Store

PLACE = Place()
GROUP = "/aws/lambda/Echo"


@dataclass(slots=True)
class Scene:
    clock: VirtualClock
    store: Store
    logs: Logs
    table: OperationTable

    def say(self, message: str, stream: str = "s", group: str = GROUP, subject: str = "") -> None:
        """A line, now."""
        self.logs.append(group, stream, subject, self.clock.now(), message)

    async def call(self, operation: str, **parameters: object) -> dict[str, object]:
        call = Call("logs", operation, parameters, "00000000-0000-4000-8000-000000000001", PLACE)
        answer = await self.clock.run_until(self.table["logs", operation](call))
        return dict(answer.members if isinstance(answer, Answer) else answer)

    async def filtered(self, group: str = GROUP, **parameters: object) -> list[str]:
        """The messages that FilterLogEvents finds."""
        return messages(await self.call("FilterLogEvents", logGroupName=group, **parameters))


def messages(answer: dict[str, object]) -> list[str]:
    events = answer["events"]
    assert isinstance(events, list)
    return [event["message"] for event in events]


async def opened(
    clock: VirtualClock, store: Store | None = None, faults: MemoryFaults | None = None, **limits: int | float
) -> Scene:
    """As after a start, with what the store holds."""
    store = store or MemoryStore(clock, faults)
    logs = Logs(clock, replace(LogsLimits(), **limits), store)  # type: ignore[arg-type]  # names are the limits'
    await clock.run_until(logs.start())
    return Scene(clock, store, logs, operations(logs))
