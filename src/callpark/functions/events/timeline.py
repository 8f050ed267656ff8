"""The story of one request id as steps, for people and scripts. Pure.

Called by `events/administration.py` with what the trace still remembers of it.
"""

from collections.abc import Iterable, Mapping

import msgspec

from callpark.functions.environments.happenings import AttemptEnded, AttemptStarted, FunctionLog
from callpark.functions.events import happenings as told
from callpark.kernel.trace import Entry, Happening


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """What happened at an instant (epoch seconds): `kind` is a word, `text` the rest of the sentence or a log line;
    `node` where, among several."""

    at: float
    kind: str
    text: str = ""
    details: Mapping[str, object] = {}
    node: str | None = None


def steps(entries: Iterable[Entry]) -> list[Step]:
    """Oldest first; what is of no interest is left out."""
    found = []
    for entry in entries:
        step = _step(entry.at, entry.happening)
        if step is not None:
            found.append(step)
    return found


def _step(at: float, happening: Happening) -> Step | None:
    match happening:
        case told.EventAccepted(size=size):
            return Step(at, "accepted", f"{size} bytes", {"size": size})
        case AttemptStarted(cold=cold, stream=stream):
            return Step(at, "started", "in a new environment" if cold else "", {"cold": cold, "stream": stream})
        case FunctionLog(text=text):
            return Step(at, "log", text.rstrip("\n"))
        case AttemptEnded(status=status, error_type=error, duration_seconds=seconds):
            text = f"{status} after {seconds * 1000:.2f} ms" + (f": {error}" if error else "")
            return Step(at, "ended", text, {"status": status, "errorType": error, "durationSeconds": seconds})
        case told.EventRetryScheduled(attempt=attempt, at=next_at):
            text = f"attempt {attempt} failed, next in {next_at - at:.0f} s"
            return Step(at, "retry", text, {"attempt": attempt, "nextAt": next_at})
        case told.EventThrottled(reason=reason, at=next_at):
            text = f"{reason}, next try in at most {next_at - at:.0f} s"
            return Step(at, "throttled", text, {"reason": reason, "nextAt": next_at})
        case told.EventSucceeded(attempts=attempts):
            return Step(at, "succeeded", f"after {_runs(attempts)}", {"attempts": attempts})
        case told.EventDiscarded(attempts=attempts, condition=condition):
            text = f"{condition} after {_runs(attempts)}"
            return Step(at, "discarded", text, {"attempts": attempts, "condition": condition})
        case told.DestinationDelivered(kind=kind, target=target):
            return Step(at, "delivered", f"{kind} to {target}", {"destination": kind, "target": target})
        case told.DestinationFailed(kind=kind, target=target, reason=reason):
            text = f"{kind} to {target}: {reason}"
            return Step(at, "undelivered", text, {"destination": kind, "target": target, "reason": reason})
        case told.DeliveryDelayed(target=target, reason=reason, at=next_at):
            text = f"to {target}: {reason}, next try in {next_at - at:.0f} s"
            return Step(at, "undelivered", text, {"target": target, "reason": reason, "nextAt": next_at})
        case told.DeadLetterSent(target=target, message_id=message_id):
            text = f"dead-letter queue {target}: message {message_id}"
            return Step(at, "delivered", text, {"target": target, "messageId": message_id})
        case told.DeadLetterSent(target=target):
            return Step(at, "delivered", f"dead-letter queue {target}", {"target": target})
        case told.DeadLetterFailed(target=target, reason=reason):
            text = f"dead-letter queue {target}: {reason}"
            return Step(at, "undelivered", text, {"target": target, "reason": reason})
        case told.EventReplayed(subject=subject, original=original, copy=copy):
            text = f"again as {copy}" if subject == original else f"again, after {original}"
            return Step(at, "replayed", text, {"original": original, "copy": copy})
        case _:
            return None


def _runs(attempts: int) -> str:
    return "1 run" if attempts == 1 else f"{attempts} runs"
