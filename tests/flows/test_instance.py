"""What an instance finds by which name."""

import pytest

from callpark.flows.instance import build_instance
from callpark.flows.model import FlowDefinition
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ConnectLimits
from tests.flows.building import INSTANCE, content, definition, flow_arn, hang_up

pytestmark = pytest.mark.unit

FLOWS = [definition(hang_up(), name="One"), definition(hang_up(), name="Two", type_="CUSTOMER_QUEUE")]


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        (flow_arn("One"), "One"),
        ("Two", "Two"),
        (f"{flow_arn('Two')}:$LATEST", "Two"),
        (f"{flow_arn('One')}:$SAVED", "One"),
        ("arn:aws:connect:eu-west-2:999999999999:instance/x/contact-flow/One", "One"),
        ("one", None),
        ("", None),
    ],
)
def test_flows_by_reference(reference: str, name: str | None) -> None:
    instance, _ = build_instance(INSTANCE, FLOWS, [], ConnectLimits())
    found = instance.flow(reference)
    assert (found.flow.name if found else None) == name


def test_a_flow_whose_name_is_not_its_id_is_called_by_both() -> None:
    flow = FlowDefinition("Main line", flow_arn("5f1c"), content(hang_up()))
    instance, _ = build_instance(INSTANCE, [flow], [], ConnectLimits())
    assert instance.answering("Main line") is instance.answering("5f1c")
    with pytest.raises(ProjectError) as refused:
        instance.answering("Other line")
    assert refused.value.remedy == "there is: Main line"
