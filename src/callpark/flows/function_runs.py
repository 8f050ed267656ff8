"""Functions that flows started: each runs as a task and comes back to its contact as an event.

Owned by `service.py`. A started function is not cancelled, whatever becomes of its contact.
"""

import logging

from callpark.flows.contact import Contact
from callpark.flows.effects import StartFunction
from callpark.flows.events import FunctionAnswer, FunctionReturned
from callpark.flows.happenings import FunctionEnded
from callpark.flows.lane import Lane
from callpark.flows.ports import FunctionRunner
from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.tasks import Tasks
from callpark.kernel.trace import Trace

_log = logging.getLogger("callpark")


class FunctionRuns:
    def __init__(self, functions: FunctionRunner, clock: Clock, trace: Trace, limits: ConnectLimits) -> None:
        self._functions = functions
        self._clock = clock
        self._trace = trace
        self._limits = limits
        self._running = Tasks("flows")
        self._warned: set[str] = set()

    def start(self, lane: Lane, start: StartFunction) -> None:
        """Returns at once; the lane is told of the answer unless it is closed by then."""
        if start.function_arn != start.requested_arn and start.requested_arn not in self._warned:
            self._warned.add(start.requested_arn)
            _log.warning("%s is answered by the local function %s", start.requested_arn, start.function_arn)
        self._running.spawn(self._run(lane, start), f"{start.function_arn} for contact {lane.contact.id}")

    async def aclose(self) -> None:
        await self._running.aclose()

    async def _run(self, lane: Lane, start: StartFunction) -> None:
        """Run to the end, even when the contact has given up on the answer: a started function is not cancelled."""
        attempts = 1 + self._limits.function_retries
        while True:
            answer = await self._answer(start)
            attempts -= 1
            if not answer.failed or attempts <= 0 or self._clock.now() >= start.deadline:
                break
        if lane.closed:
            self._note_dropped(lane.contact, start)
        else:
            lane.post(FunctionReturned(start.invocation_id, answer))

    def _note_dropped(self, contact: Contact, start: StartFunction) -> None:
        """The contact ended before the function did: nobody wants the answer (rule A18)."""
        invocation = contact.invocations.get(start.invocation_id)
        if invocation is not None and invocation.state == "pending":
            reason = "the contact has ended"
            self._trace.emit(FunctionEnded(contact.id, start.invocation_id, start.function_arn, "abandoned", reason))

    async def _answer(self, start: StartFunction) -> FunctionAnswer:
        try:
            return await self._functions.run(start.function_arn, start.payload, start.invocation_id)
        except (CallerError, ProjectError) as error:
            return FunctionAnswer(b"", failed=True, message=str(error))
        except Exception:
            _log.exception("%s could not be run", start.function_arn)
            return FunctionAnswer(b"", failed=True, message="callpark failed; see its log")
