"""What a soak sends, and what must become of each event. Pure: the same seed makes the same plan.

Read by `driver.py`, which sends it, and by `verdict.py`, which holds what happened against it.
"""

import enum
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """A function of the soak's project. `runs`: how often an event that always fails is run. Its dead-letter queue is
    `<name>-dead`; with `records` it has an OnFailure and an OnSuccess queue, `<name>-failed` and `<name>-done`."""

    name: str
    runs: int
    reserved: int | None = None
    records: bool = False


SUBJECTS = (
    Subject("Patient", runs=3, records=True),
    Subject("Once", runs=1),
    Subject("Narrow", runs=2, reserved=1),
    Subject("Closed", runs=0, reserved=0, records=True),
)

#: What handlers do, and how often. Few hang: a hanging one is in flight at every kill, and first in line after it.
_BEHAVIOURS = {"succeed": 522, "fail": 180, "slow": 120, "crash": 105, "flaky": 70, "hang": 3}
_FUNCTIONS = {"Patient": 60, "Once": 28, "Narrow": 7, "Closed": 5}

#: What the platform says of each way to fail; `{id}` is the event's request id.
MESSAGES = {
    "fail": "intended",
    "crash": "RequestId: {id} Error: Runtime exited with error: exit status 3",
    "hang": "RequestId: {id} Error: Task timed out after 1.00 seconds",
}


@dataclass(frozen=True, slots=True)
class Planned:
    """One event: `number` counts them."""

    number: int
    subject: Subject
    behaviour: str

    @property
    def dies(self) -> bool:
        """Whether it ends in its dead-letter queue."""
        return self.subject.runs == 0 or self.behaviour in MESSAGES

    @property
    def runs(self) -> int:
        """How many runs the policy allows, those that a kill interrupted left aside."""
        if self.dies:
            return self.subject.runs
        return 2 if self.behaviour == "flaky" else 1

    def body(self, sending: int) -> bytes:
        """The payload; `sending` counts the requests that it took. With blanks that nobody may touch."""
        return json.dumps({"number": self.number, "sending": sending, "do": self.behaviour}, indent=1).encode()


def planned(seed: int, events: int) -> Sequence[Planned]:
    """A handler that fails its first run is nothing for `Once`: whether that run counts depends on the kills."""
    chance = random.Random(seed)
    subjects = {subject.name: subject for subject in SUBJECTS}
    names = chance.choices(list(_FUNCTIONS), list(_FUNCTIONS.values()), k=events)
    behaviours = chance.choices(list(_BEHAVIOURS), list(_BEHAVIOURS.values()), k=events)
    return [
        Planned(number, subjects[name], "slow" if (name, behaviour) == ("Once", "flaky") else behaviour)
        for number, (name, behaviour) in enumerate(zip(names, behaviours, strict=True))
    ]


class Moment(enum.Enum):
    """When a kill comes: so long after the server was started, or after it said that it was ready; or when a share of
    what is sent to it was acknowledged."""

    STARTING = "starting"
    READY = "ready"
    SENDING = "sending"


@dataclass(frozen=True, slots=True)
class Kill:
    """`after` is in seconds, or the share, 0 to 1."""

    moment: Moment
    after: float


def kills(seed: int, count: int) -> Sequence[Kill]:
    chance = random.Random(f"kills {seed}")
    longest = {Moment.STARTING: 0.9, Moment.READY: 1.6, Moment.SENDING: 1.0}
    moments = chance.choices(list(longest), (12, 44, 44), k=count)
    return [Kill(moment, chance.uniform(0.0, longest[moment])) for moment in moments]
