"""Upstreams that answer what a test says, and remember what they were asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from callpark.kernel.errors import CallerError


@dataclass(slots=True)
class ScriptedUpstreams:
    """Answers by (service, operation), the next of each; the last one is repeated."""

    answers: dict[tuple[str, str], list[Mapping[str, object] | CallerError]]
    calls: list[tuple[str, str, Mapping[str, object]]] = field(default_factory=list)

    def remedy(self, service: str) -> str | None:
        served = service in {name for name, _ in self.answers}
        return None if served else f"name who serves {service}"

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        self.calls.append((service, operation, parameters))
        answers = self.answers[service, operation]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, CallerError):
            raise answer
        return answer
