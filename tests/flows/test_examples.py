"""The payment line's two flows, run with stubs of the times that their templates give."""

import json
import re
from pathlib import Path

import pytest

from callpark.flows.model import FlowDefinition
from callpark.kernel.clock import VirtualClock
from tests.flows.building import flow_arn
from tests.flows.exchange import Finished, Office, Stub, takes

pytestmark = pytest.mark.sim

EXAMPLE = Path(__file__).parents[2] / "examples" / "payment-line"
GET_ATT = re.compile(r'\{\s*"Fn::GetAtt":\s*\[\s*"(\w+)Function",\s*"Arn"\s*\]\s*\}')

CRM = takes(2.5, {"firstName": "Ada", "customerId": "C-1001"})
FRAUD = takes(3, {"verdict": "low", "score": 12})
STUBS = {"CardCheck": takes(4, {"status": "accepted", "lastFour": "4242"}), "FraudScore": FRAUD, "CrmLookup": CRM}


def flow_of(folder: Path) -> FlowDefinition:
    path = folder / "flows" / "payment-line.json"
    text = GET_ATT.sub(r'"arn:aws:lambda:us-east-1:123456789012:function:\1"', path.read_text())
    return FlowDefinition("PaymentLine", flow_arn("payment"), text, source=path)


async def pay(clock: VirtualClock, stubs: dict[str, Stub], keys: str = "4242#", folder: Path = EXAMPLE) -> Finished:
    office = Office(clock, [flow_of(folder)], stubs)
    assert office.warnings == ()
    return await office.call(keys, to="PaymentLine")


ACCEPTED = "Thank you, Ada. Your payment has been accepted. Goodbye."


async def test_the_caller_is_never_left_in_silence(clock: VirtualClock) -> None:
    call = await pay(clock, STUBS)
    assert call.heard[-1] == ACCEPTED
    assert call.timeline.seconds_of_silence == pytest.approx(0)
    asked, *_ = call.timeline.inputs
    assert call.timeline.prompts[-1].start - asked.end == pytest.approx(4)


@pytest.mark.parametrize(
    ("changed", "keys", "heard"),
    [
        ({}, "", "We did not hear any keys. Please call again. Goodbye."),
        ({"CardCheck": takes(4, {"status": "declined"})}, "4242#", "Your payment was not accepted."),
        ({"FraudScore": takes(4, {"verdict": "high"})}, "4242#", "Your payment was not accepted."),
        ({"CardCheck": takes(31)}, "4242#", "Something went wrong and nothing was charged."),
        ({"CardCheck": takes(1, failed=True)}, "4242#", "Something went wrong and nothing was charged."),
        ({"FraudScore": takes(9, {"verdict": "low"})}, "4242#", ACCEPTED),
        ({"CrmLookup": takes(9)}, "4242#", "Thank you. Your payment has been accepted."),
        (
            {"CrmLookup": takes(1, {"firstName": "", "customerId": ""})},
            "4242#",
            "Thank you. Your payment has been accepted.",
        ),
    ],
)
async def test_every_way_it_can_go(clock: VirtualClock, changed: dict[str, Stub], keys: str, heard: str) -> None:
    call = await pay(clock, {**STUBS, **changed}, keys)
    assert call.heard[-1].startswith(heard)
    assert call.end.detail == ""


async def test_before_the_same_call_is_mostly_silence(clock: VirtualClock) -> None:
    polls = iter(["pending", "accepted"])
    stubs = {
        "CrmLookup": CRM,
        "FraudScore": FRAUD,
        "StartCardCheck": takes(0.1, {"jobId": "1"}),
        "PollCardCheck": Stub(lambda parameters: 0.1, lambda parameters: {"status": next(polls)}),
    }
    call = await pay(clock, stubs, folder=EXAMPLE / "before")
    assert call.heard[-1] == ACCEPTED
    assert call.timeline.seconds_of_silence > 9


def test_the_flows_are_written_as_the_console_exports_them() -> None:
    for folder in (EXAMPLE, EXAMPLE / "before"):
        document = json.loads((folder / "flows" / "payment-line.json").read_text())
        assert set(document) == {"Version", "StartAction", "Metadata", "Actions"}
        positions = document["Metadata"]["ActionMetadata"]
        assert {action["Identifier"] for action in document["Actions"]} == set(positions)
