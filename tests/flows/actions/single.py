"""One action of any type in a flow of its own: each of its edges leads to an action that says which edge it was."""

from collections.abc import Mapping, Sequence

import msgspec

from callpark.flows.contact import Memory, Party, Record
from callpark.flows.declared import NOTHING_DECLARED, Declared
from callpark.flows.program import Program
from tests.flows.building import INSTANCE_ARN, action, hang_up
from tests.flows.driving import CONTACT_ID, Driver, PlainWorld

NUMBER = "+441632960001"
EVERY_DAY = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def single(
    type_: str,
    parameters: Mapping[str, object] | None = None,
    *,
    errors: Sequence[str] = ("NoMatchingError",),
    when: Mapping[str, str] | Sequence[tuple[str, str, str]] = (),
    declared: Declared = NOTHING_DECLARED,
    channel: str = "VOICE",
    memory: Memory | None = None,
    flow_type: str = "CONTACT_FLOW",
    others: Sequence[Program] = (),
    world: PlainWorld | None = None,
) -> Driver:
    """A contact that has met the action `it`, with logging on. Edges: `next`, `error <kind>`, and those of `when`."""
    triples = [("Equals", *pair) for pair in when.items()] if isinstance(when, Mapping) else list(when)
    names = ["next", *(f"error {kind}" for kind in errors), *dict.fromkeys(target for _, _, target in triples)]
    it = action("it", type_, parameters, "next", errors={kind: f"error {kind}" for kind in errors}, when=triples)
    ends = [action(name, "UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, "stop") for name in names]
    stop = action("stop", "GetParticipantInput", STOP, "bye", errors={"NoMatchingError": "bye"})
    party = Party(CONTACT_ID, INSTANCE_ARN, "us-east-1", NUMBER, "+441632960000", 0.0)
    driver = Driver(
        it,
        *ends,
        stop,
        hang_up(),
        world=world or PlainWorld(declared=declared),
        others=others,
        party=msgspec.structs.replace(party, channel=channel),
        type_=flow_type,
    )
    start = msgspec.structs.replace(memory or Memory(), logging=True)
    driver.contact = msgspec.structs.replace(driver.contact, memory=start)
    return driver.start()


#: Parks a voice contact without a word; on other channels it takes its error branch and the contact ends.
STOP = {"EnableDTMFBuffer": "True", "InputTimeLimitSeconds": "60", "StoreInput": "False"}


def edge(driver: Driver) -> str:
    """The edge that was taken, "" while the contact is still at the action or went elsewhere."""
    after = [name for name in driver.path[1:] if name == "next" or name.startswith(("error ", "on "))]
    return after[0] if after else ""


def entry(driver: Driver) -> Mapping[str, object]:
    """The last log entry of the action."""
    found: Mapping[str, object] = next(item for item in reversed(driver.log) if item["Identifier"] == "it")
    return found


def record(**members: object) -> Memory:
    return Memory(record=msgspec.structs.replace(Record(), **members))
