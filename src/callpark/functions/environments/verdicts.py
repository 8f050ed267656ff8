"""How a run ended: what its caller gets, and what the log says of it. Used by `environment.py`."""

from callpark.functions.environments import failures
from callpark.functions.environments.happenings import AttemptStatus
from callpark.functions.environments.narration import Narration
from callpark.functions.environments.ports import Deployment, Outcome
from callpark.functions.environments.runs import Ending, InitFailed, Run
from callpark.functions.environments.runtime_api import Answer
from callpark.kernel.limits import LambdaLimits


class Verdicts:
    def __init__(self, deployment: Deployment, narration: Narration, limits: LambdaLimits) -> None:
        self._deployment = deployment
        self._narration = narration
        self._limits = limits
        self._places = failures.presented_places(deployment)

    def presented(self, error: bytes) -> bytes:
        """An error object with the paths that Lambda would show."""
        return failures.present_paths(error, self._places)

    def of_answer(self, answer: Answer, run: Run) -> Ending:
        """The runtime has answered; what was not streamed goes to whoever reads the run's stream."""
        limits = self._limits
        if answer.too_large:
            most = limits.response_payload_bytes if run.feed is None else limits.stream_bytes
            return Ending(failures.too_large(most), "error", failures.TOO_LARGE)
        if answer.failed:
            payload = self.presented(answer.payload)
            return Ending(payload, "error", failures.error_type_of(payload))
        if run.feed is None:
            return Ending(answer.payload, "success")
        if not answer.streamed:
            run.feed.open(answer.content_type)
            run.feed.write(answer.payload)
        return Ending(b"", "success")

    def of_timeout(self, run: Run) -> Ending:
        text = failures.timeout_text(self._deployment.configuration.timeout_seconds)
        self._narration.timed_out(run.attempt.request_id, text)
        return _platform_failure(run, failures.TIMEOUT, text, "timeout")

    def of_failure(self, run: Run, error_type: str, text: str) -> Ending:
        """The process or one of its extensions has gone."""
        self._narration.failed(run.attempt.request_id, error_type, text)
        return _platform_failure(run, error_type, text, "error")

    def of_failed_init(self, run: Run, init: InitFailed) -> Ending:
        if init.payload is None:
            return self.of_failure(run, init.error_type, init.text)
        return Ending(init.payload, "error", init.error_type)


def outcome(ending: Ending, log_tail: bytes, seconds: float) -> Outcome:
    return Outcome(ending.payload, None if ending.status == "success" else "Unhandled", log_tail, seconds)


def _platform_failure(run: Run, error_type: str, text: str, status: AttemptStatus) -> Ending:
    return Ending(failures.platform_error(error_type, run.attempt.request_id, text), status, error_type)
