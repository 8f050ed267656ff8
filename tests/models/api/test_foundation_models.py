"""ListFoundationModels and GetFoundationModel."""

from typing import Any

import pytest

from callpark.gateway.codecs import operation_codec
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.operations import Answer, Call
from callpark.models.api.foundation_models import operations
from callpark.models.service import Answerer, Catalogue, Models
from tests.models.api.scene import CLAUDE, scripted

pytestmark = pytest.mark.unit


@pytest.fixture
def models(clock: VirtualClock) -> Models:
    models = Models(clock)
    answerers = {CLAUDE: Answerer("b"), "amazon.titan-embed-text-v2:0": Answerer("b", embeds=True), "*": Answerer("b")}
    models.serve(Catalogue({"b": scripted(clock, SeededIds(1))}, answerers))
    return models


async def _asked(models: Models, operation: str, **parameters: object) -> Any:
    codec = operation_codec("bedrock", operation, "rest-json")
    codec.validate(parameters)
    answer = await operations(models)["bedrock", operation](Call("bedrock", operation, parameters, "r", Place()))
    members = answer.members if isinstance(answer, Answer) else answer
    codec.serialise(Answer(members), "r")
    return members


async def test_ids_that_are_written_whole(models: Models) -> None:
    listed = (await _asked(models, "ListFoundationModels"))["modelSummaries"]
    assert [(one["modelId"], one["providerName"], one["outputModalities"]) for one in listed] == [
        (CLAUDE, "anthropic", ["TEXT"]),
        ("amazon.titan-embed-text-v2:0", "amazon", ["EMBEDDING"]),
    ]
    assert listed[0]["modelArn"] == f"arn:aws:bedrock:us-east-1::foundation-model/{CLAUDE}"


@pytest.mark.parametrize(
    ("filter_", "count"),
    [
        ({"byProvider": "Amazon"}, 1),
        ({"byProvider": "Cohere"}, 0),
        ({"byOutputModality": "TEXT"}, 1),
        ({"byOutputModality": "IMAGE"}, 0),
        ({"byInferenceType": "ON_DEMAND"}, 2),
        ({"byInferenceType": "PROVISIONED"}, 0),
        ({"byCustomizationType": "FINE_TUNING"}, 0),
    ],
)
async def test_filters(models: Models, filter_: dict[str, object], count: int) -> None:
    assert len((await _asked(models, "ListFoundationModels", **filter_))["modelSummaries"]) == count


async def test_any_id_that_is_answered_has_details(models: Models, clock: VirtualClock) -> None:
    details = (await _asked(models, "GetFoundationModel", modelIdentifier="eu.mistral.large"))["modelDetails"]
    assert (details["modelId"], details["modelLifecycle"]) == ("mistral.large", {"status": "ACTIVE"})
    with pytest.raises(CallerError, match="ResourceNotFoundException: The provided model identifier is invalid"):
        await _asked(Models(clock), "GetFoundationModel", modelIdentifier="some.model")
