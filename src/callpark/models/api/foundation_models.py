"""ListFoundationModels and GetFoundationModel: who answers, in the words of Bedrock's control plane.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html
"""

from collections.abc import Mapping

from callpark.kernel.arn import Place
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Call, OperationTable
from callpark.models import refusals
from callpark.models.identifiers import plain
from callpark.models.model import ModelSummary
from callpark.models.service import Models


def operations(models: Models) -> OperationTable:
    """The two operations of `bedrock` that ask what there is."""

    async def list_foundation_models(call: Call) -> Mapping[str, object]:
        """Ids that are written whole: a pattern is no id."""
        found = [_details(one, call.place) for one in models.summaries() if "*" not in one.model_id]
        return {"modelSummaries": [details for details in found if _wanted(details, call.parameters)]}

    async def get_foundation_model(call: Call) -> Mapping[str, object]:
        model_id = str(call.parameters["modelIdentifier"])
        try:
            return {"modelDetails": _details(models.summary(model_id), call.place)}
        except CallerError as refusal:
            raise refusals.not_found(refusal.message) from None

    return {
        ("bedrock", "ListFoundationModels"): list_foundation_models,
        ("bedrock", "GetFoundationModel"): get_foundation_model,
    }


def _details(summary: ModelSummary, place: Place) -> dict[str, object]:
    model_id = plain(summary.model_id)
    return {
        "modelArn": f"arn:aws:bedrock:{place.region}::foundation-model/{model_id}",
        "modelId": model_id,
        "modelName": summary.description,
        "providerName": model_id.partition(".")[0],
        "inputModalities": ["TEXT"],
        "outputModalities": ["EMBEDDING" if summary.embeds else "TEXT"],
        "responseStreamingSupported": not summary.embeds,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


def _wanted(details: Mapping[str, object], asked: Mapping[str, object]) -> bool:
    provider = asked.get("byProvider")
    if isinstance(provider, str) and provider.lower() != str(details["providerName"]).lower():
        return False
    for parameter, member in (
        ("byCustomizationType", "customizationsSupported"),
        ("byOutputModality", "outputModalities"),
        ("byInferenceType", "inferenceTypesSupported"),
    ):
        values = details[member]
        if (wanted := asked.get(parameter)) is not None and isinstance(values, list) and wanted not in values:
            return False
    return True
