"""Converse and ConverseStream.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from collections.abc import Mapping, Sequence

from callpark.kernel.operations import Answer, Call, OperationTable
from callpark.models.api.exchange import Event, Exchanges
from callpark.models.completion import Ended, Step
from callpark.models.converse import reading, writing


class ConverseOperations:
    def __init__(self, exchanges: Exchanges) -> None:
        self._exchanges = exchanges

    def table(self) -> OperationTable:
        return {
            ("bedrock-runtime", "Converse"): self.converse,
            ("bedrock-runtime", "ConverseStream"): self.converse_stream,
        }

    async def converse(self, call: Call) -> Mapping[str, object]:
        exchange = await self._exchanges.begin(call, lambda: reading.read(call.parameters))
        completion = await exchange.completion()
        fields = reading.response_fields(call.parameters, completion.sequence)
        return writing.answer(completion, exchange.account.seconds, call.parameters, fields)

    async def converse_stream(self, call: Call) -> Answer:
        exchange = await self._exchanges.begin(call, lambda: reading.read(call.parameters))

        def write(step: Step) -> Sequence[Event]:
            if not isinstance(step, Ended):
                return writing.events(step, None)
            fields = reading.response_fields(call.parameters, step.sequence)
            metadata = writing.metadata(step.usage, exchange.account.seconds, call.parameters)
            return [*writing.events(step, fields), metadata]

        return Answer(stream=exchange.events(write))
