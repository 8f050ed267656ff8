"""CountTokens.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
"""

from collections.abc import Mapping

from callpark.kernel.operations import Call, OperationTable
from callpark.models.api.client import Client
from callpark.models.api.exchange import Exchanges, model_of
from callpark.models.asked import Asked
from callpark.models.bodies.families import text_family
from callpark.models.converse import reading
from callpark.models.documents import object_of
from callpark.models.refusals import validation


class TokenOperations:
    def __init__(self, exchanges: Exchanges) -> None:
        self._exchanges = exchanges

    def table(self) -> OperationTable:
        return {("bedrock-runtime", "CountTokens"): self.count}

    async def count(self, call: Call) -> Mapping[str, object]:
        models = self._exchanges.models
        models.check(model_of(call))
        request = _asked(call).request
        async with Client(call) as client:
            return {"inputTokens": await client.waits_for(models.count_tokens(model_of(call), request))}


def _asked(call: Call) -> Asked:
    """Raises CallerError."""
    given = object_of(call.parameters, "input")
    if "converse" in given:
        return reading.read(object_of(given, "converse"))
    if "invokeModel" not in given:
        raise validation("The input must have one of the members invokeModel and converse.")
    body = object_of(given, "invokeModel").get("body")
    body = body if isinstance(body, bytes) else b""
    return text_family(model_of(call), body, "The provided model doesn't support counting tokens.").read(body)
