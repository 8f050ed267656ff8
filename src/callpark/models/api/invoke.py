"""InvokeModel and InvokeModelWithResponseStream: native bodies.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html
"""

from collections.abc import Mapping, Sequence

import orjson

from callpark.kernel.ids import Ids
from callpark.kernel.operations import Answer, Call, OperationTable
from callpark.models.api.client import Client, caller
from callpark.models.api.exchange import Event, Exchanges, model_of
from callpark.models.bodies.families import embedding_family, text_family
from callpark.models.bodies.family import EmbeddingFamily, Naming
from callpark.models.bodies.vectors import fitted
from callpark.models.completion import Ended, Step
from callpark.models.documents import Document
from callpark.models.model import Usage, Vectors
from callpark.models.refusals import validation

_JSON = "application/json"
_TAKEN = frozenset({"", _JSON, "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"})
_GIVEN = frozenset({"", "*/*", "application/*", _JSON, "application/vnd.amazon.eventstream"})


class InvokeOperations:
    def __init__(self, exchanges: Exchanges, ids: Ids) -> None:
        self._exchanges = exchanges
        self._ids = ids

    def table(self) -> OperationTable:
        return {
            ("bedrock-runtime", "InvokeModel"): self.invoke,
            ("bedrock-runtime", "InvokeModelWithResponseStream"): self.invoke_stream,
        }

    async def invoke(self, call: Call) -> Answer:
        body = self._body(call)
        embedding = embedding_family(model_of(call), body)
        if embedding is not None:
            return await self._embed(call, embedding, body)
        found = text_family(model_of(call), body, "")
        exchange = await self._exchanges.begin(call, lambda: found.read(body))
        completion = await exchange.completion()
        answer = found.answer(completion, self._naming(call))
        return _answered(call, answer, completion.usage, exchange.account.seconds)

    async def invoke_stream(self, call: Call) -> Answer:
        body = self._body(call)
        found = text_family(model_of(call), body, "The model is unsupported for streaming.")
        exchange = await self._exchanges.begin(call, lambda: found.read(body))
        chunks, account = found.chunks(self._naming(call)), exchange.account

        def write(step: Step) -> Sequence[Event]:
            written = [dict(chunk) for chunk in chunks(step)]
            if isinstance(step, Ended):
                written[-1]["amazon-bedrock-invocationMetrics"] = {
                    "inputTokenCount": step.usage.input_tokens,
                    "outputTokenCount": step.usage.output_tokens,
                    "invocationLatency": round(account.seconds * 1000),
                    "firstByteLatency": round(account.first_token_seconds * 1000),
                }
            return [("chunk", {"bytes": orjson.dumps(chunk)}) for chunk in written]

        return Answer({"contentType": _JSON, **_capacity(call)}, stream=exchange.events(write))

    async def _embed(self, call: Call, found: EmbeddingFamily, body: bytes) -> Answer:
        with self._exchanges.account(call) as account:
            asked = found.read(body)
            self._exchanges.tell(call, asked.ignored)
            async with Client(call) as client:
                embedding = self._exchanges.models.embed(model_of(call), asked.request, caller(call.headers))
                vectors = await client.waits_for(embedding)
            account.usage = Usage(vectors.input_tokens, 0)
        wanted, normalize = asked.request.dimensions, asked.request.normalize
        had = len(vectors.vectors[0]) if vectors.vectors else wanted
        if wanted is not None and had != wanted:
            change = "filled up with zeros" if had is not None and had < wanted else "cut off"
            self._exchanges.tell(call, [f"the number of dimensions, {wanted}: the model has {had}, {change},"])
        fitting = tuple(fitted(vector, wanted, normalize=normalize) for vector in vectors.vectors)
        answer = found.answer(asked, Vectors(fitting, vectors.input_tokens), self._naming(call))
        return _answered(call, answer, account.usage, account.seconds)

    def _body(self, call: Call) -> bytes:
        """Raises CallerError for what is wrong around it."""
        given = call.parameters
        _check_type("Content-Type", given.get("contentType"), _TAKEN)
        _check_type("Accept", given.get("accept"), _GIVEN)
        if given.get("guardrailIdentifier") or given.get("guardrailVersion"):
            raise validation("The guardrail identifier or version provided in the request does not exist.")
        self._exchanges.tell(call, _without_effect(given))
        self._exchanges.models.check(model_of(call))
        body = given.get("body")
        return body if isinstance(body, bytes) else b""

    def _naming(self, call: Call) -> Naming:
        return Naming(model_of(call), self._ids.hex(24), int(self._exchanges.clock.now()))


def _answered(call: Call, answer: Document, usage: Usage, seconds: float) -> Answer:
    """Bedrock counts in headers, for bodies that count nothing."""
    headers = {
        "x-amzn-bedrock-input-token-count": str(usage.input_tokens),
        "x-amzn-bedrock-output-token-count": str(usage.output_tokens),
        "x-amzn-bedrock-invocation-latency": str(round(seconds * 1000)),
    }
    members = {"body": orjson.dumps(answer), "contentType": _JSON, **_capacity(call)}
    return Answer(members, headers=headers)


def _capacity(call: Call) -> Mapping[str, object]:
    """What the client asked for in words of capacity, said back."""
    found: dict[str, object] = {}
    if "performanceConfigLatency" in call.parameters:
        found["performanceConfigLatency"] = "standard"
    if "serviceTier" in call.parameters:
        found["serviceTier"] = "default"
    return found


def _without_effect(given: Mapping[str, object]) -> Sequence[str]:
    usual: Mapping[str, tuple[object, ...]] = {
        "trace": (None, "DISABLED"),
        "performanceConfigLatency": (None, "standard"),
        "serviceTier": (None, "default"),
        "requestMetadata": (None,),
    }
    return [name for name, values in usual.items() if given.get(name) not in values]


def _check_type(name: str, given: object, allowed: frozenset[str]) -> None:
    if not isinstance(given, str):
        return
    listed = [kind.partition(";")[0].strip().lower() for kind in given.split(",")]
    if not any(kind in allowed for kind in listed):
        raise validation(f"The provided {name} is invalid or not supported for this model")
