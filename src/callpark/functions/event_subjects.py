"""The functions as their event queues see them: `events/world.py`'s EventFunctions. Made by `service.py`.

What events need to know of a version is put together when its first event comes, and forgotten when the function
changes; running one is the runner's.
"""

from collections.abc import Awaitable, Sequence

from callpark.functions import versions
from callpark.functions.catalogue import Catalogue
from callpark.functions.environments.ports import Outcome
from callpark.functions.events.policy import event_rules
from callpark.functions.events.state import EventState
from callpark.functions.events.world import EventSubject
from callpark.functions.model import Function
from callpark.functions.names import LATEST
from callpark.functions.running import Runner
from callpark.kernel.limits import LambdaLimits


class EventSubjects:
    def __init__(self, catalogue: Catalogue, runner: Runner, limits: LambdaLimits) -> None:
        self._catalogue = catalogue
        self._runner = runner
        self._limits = limits
        self._subjects: dict[str, dict[tuple[str | None, str], EventSubject]] = {}

    def subject(self, function: str, qualifier: str | None, version: str) -> EventSubject | None:
        """A version as its events see it now; None when the function, the qualifier or the version is gone."""
        subjects = self._subjects.get(function)
        subject = None if subjects is None else subjects.get((qualifier, version))
        if subject is not None:
            return subject
        found = self._catalogue.get(function)
        if found is None or not versions.knows(found, qualifier) or not versions.knows(found, version):
            return None
        subject = self._describe(found, qualifier or LATEST, version)
        self._subjects.setdefault(function, {})[qualifier, version] = subject
        return subject

    def forget(self, names: Sequence[str]) -> None:
        """These functions have changed, come or gone."""
        for name in names:
            self._subjects.pop(name, None)

    def version_for(self, function: str, qualifier: str | None) -> str | None:
        return self._runner.version_for(function, qualifier)

    def invocations_in_chain(self, function: str, trace_header: str | None) -> int:
        return self._runner.invocations_in_chain(function, trace_header)

    def trace_onwards(self, function: str, request_id: str, trace_header: str | None) -> str:
        return self._runner.trace_onwards(function, request_id, trace_header)

    def function_named(self, arn: str) -> tuple[str, str | None]:
        return self._catalogue.find_invoked(arn)

    def run_event(
        self, function: str, version: str, request_id: str, payload: bytes, state: EventState
    ) -> Awaitable[Outcome]:
        return self._runner.run_event(function, version, request_id, payload, state)

    def _describe(self, function: Function, qualifier: str, version: str) -> EventSubject:
        dated = function.event_invoke_configs.get(qualifier)
        config = dated.config if dated is not None else None
        endless = function.recursive_loop == "Allow"
        chain = None if endless else self._limits.recursive_invocations
        return EventSubject(
            arn=f"{self._catalogue.arn(function.configuration.name)}:{qualifier}",
            rules=event_rules(config, function.reserved_concurrency, self._limits, chain),
            on_success=config.on_success if config is not None else None,
            on_failure=config.on_failure if config is not None else None,
            dead_letter_target=versions.numbered(function, version).configuration.dead_letter_target,
        )
