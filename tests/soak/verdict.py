"""What happened, held against the plan. Pure; called by `driver.py` when everything has ended.

Three promises: nothing that was acknowledged is lost; no event runs more often than its policy allows, and once more
for each kill that found it in flight; what failed lies in its dead-letter queue, once, and nothing else does.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.soak.plan import MESSAGES, Planned
from tests.soak.project import Run


@dataclass(frozen=True, slots=True)
class Message:
    """What lay in a queue. `attributes`: name → (data type, text)."""

    body: str
    attributes: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Found:
    """All there is to judge. `acknowledged`: request id → (event's number, sending); `queues`: name → messages;
    `said`: what the servers wrote on standard error."""

    acknowledged: Mapping[str, tuple[int, int]]
    runs: Mapping[str, Run]
    queues: Mapping[str, Sequence[Message]]
    said: str


@dataclass(frozen=True, slots=True)
class Verdict:
    counts: Mapping[str, int]
    problems: Sequence[str]


def judge(plan: Sequence[Planned], found: Found) -> Verdict:
    dead = _by_request(found, "dead", lambda message: message.attributes["RequestID"][1])
    records = {kind: _by_request(found, kind, _request_of_record) for kind in ("failed", "done")}
    events = dict(found.acknowledged)
    for request_id, run in found.runs.items():  # stored, although the acknowledgement did not arrive
        events.setdefault(request_id, (run.number, run.sending))
    for request_id in set(dead) - set(events):  # nor did it ever run
        told = json.loads(dead[request_id][0][1].body)
        events[request_id] = told["number"], told["sending"]
    problems: list[str] = []
    counts: Counter[str] = Counter(
        acknowledged=len(found.acknowledged), unanswered=len(events) - len(found.acknowledged)
    )
    for request_id, (number, sending) in events.items():
        planned = plan[number]
        run = found.runs.get(request_id) or Run(number, sending)
        ending = _ending(planned, sending, request_id, run, dead.get(request_id, []), records)
        problems += [f"event {number} ({planned.behaviour}, {planned.subject.name}) {request_id}: {p}" for p in ending]
        counts[planned.behaviour] += 1
        counts["dead" if planned.dies else "succeeded"] += 1
        counts["runs"] += run.began.total()
        counts["runs again after a kill"] += max(0, run.began.total() - planned.runs)
    strangers = (set(dead) | set(records["failed"]) | set(records["done"])) - set(events)
    problems += [f"{request_id} lies in a queue and was never sent" for request_id in strangers]
    if "Traceback" in found.said:
        problems.append("a server met a bug of its own: " + found.said[found.said.index("Traceback") :][:2_000])
    return Verdict(counts, problems)


_Letters = Mapping[str, Sequence[tuple[str, Message]]]


def _by_request(found: Found, kind: str, request_of: Callable[[Message], str]) -> _Letters:
    by_request: dict[str, list[tuple[str, Message]]] = {}
    for name, messages in found.queues.items():
        function, _, suffix = name.rpartition("-")
        if suffix == kind:
            for message in messages:
                by_request.setdefault(request_of(message), []).append((function, message))
    return by_request


def _request_of_record(message: Message) -> str:
    return str(json.loads(message.body)["requestContext"]["requestId"])


def _ending(
    planned: Planned,
    sending: int,
    request_id: str,
    run: Run,
    letters: Sequence[tuple[str, Message]],
    records: Mapping[str, _Letters],
) -> list[str]:
    """What is wrong with how one event ended."""
    problems = []
    allowed = planned.runs + max(0, len(run.began) - 1)
    if run.began.total() > allowed:
        problems.append(f"ran {run.began.total()} times, {allowed} are allowed ({dict(run.began)})")
    if planned.dies and run.began.total() < planned.runs:
        problems.append(f"ran {run.began.total()} times, {planned.runs} are due")
    if not planned.dies and not run.ended:
        problems.append("lost: acknowledged, and never done")
    wanted = [planned.subject.name] if planned.dies else []
    if (lie := [function for function, _ in letters]) != wanted:
        problems.append(f"lies in the dead-letter queues of {lie}, not {wanted}")
    problems += [p for _, letter in letters for p in _letter(planned, sending, request_id, letter)]
    for kind, due in (("failed", planned.dies), ("done", not planned.dies)):
        told = records[kind].get(request_id, [])
        wanted = [planned.subject.name] if due and planned.subject.records else []
        if [function for function, _ in told] != wanted:
            problems.append(f"has records in {kind} of {[function for function, _ in told]}, not {wanted}")
        problems += [p for _, record in told for p in _record(planned, sending, record)]
    return problems


def _letter(planned: Planned, sending: int, request_id: str, letter: Message) -> list[str]:
    """What is wrong with a dead letter: the caller's bytes, and three attributes."""
    text = MESSAGES.get(planned.behaviour, "").format(id=request_id)
    expected = {"RequestID": ("String", request_id), "ErrorCode": ("Number", "200"), "ErrorMessage": ("String", text)}
    attributes = dict(letter.attributes)
    if planned.subject.runs == 0:  # never ran: throttled for good
        expected = {"RequestID": ("String", request_id), "ErrorCode": ("Number", "429")}
        attributes.pop("ErrorMessage", None)
    problems = []
    if letter.body.encode() != planned.body(sending):
        problems.append(f"dead letter's body is {letter.body!r}")
    if attributes != expected:
        problems.append(f"dead letter's attributes are {attributes}, not {expected}")
    return problems


def _record(planned: Planned, sending: int, message: Message) -> list[str]:
    """What is wrong with an invocation record."""
    record = json.loads(message.body)
    context, problems = record["requestContext"], []
    if planned.dies:
        condition = "RetriesExhausted" if planned.subject.runs else "ZeroReservedConcurrency"
        counts = {planned.subject.runs}
    else:
        condition, counts = "Success", {1, planned.runs}
    if context["condition"] != condition or context["approximateInvokeCount"] not in counts:
        problems.append(f"record says {context}")
    if record["requestPayload"] != json.loads(planned.body(sending)):
        problems.append(f"record's payload is {record['requestPayload']}")
    return problems
