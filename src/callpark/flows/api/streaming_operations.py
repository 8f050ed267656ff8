"""Topics that are told of a chat: StartContactStreaming and StopContactStreaming.

https://docs.aws.amazon.com/connect/latest/APIReference/API_StartContactStreaming.html
"""

from collections.abc import Mapping

from callpark.flows.api.contact_operations import check_instance
from callpark.flows.api.reading import members, text
from callpark.flows.chat.streaming import Streaming
from callpark.flows.service import Flows
from callpark.kernel.operations import Call, OperationTable


class StreamingOperations:
    def __init__(self, flows: Flows, streaming: Streaming) -> None:
        self._flows = flows
        self._streaming = streaming

    def table(self) -> OperationTable:
        return {
            ("connect", "StartContactStreaming"): self.start,
            ("connect", "StopContactStreaming"): self.stop,
        }

    async def start(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        check_instance(self._flows, text(parameters, "InstanceId"))
        topic = text(members(parameters, "ChatStreamingConfiguration"), "StreamingEndpointArn")
        client_token = text(parameters, "ClientToken")
        return {"StreamingId": await self._streaming.start(text(parameters, "ContactId"), topic, client_token)}

    async def stop(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        check_instance(self._flows, text(parameters, "InstanceId"))
        await self._streaming.stop(text(parameters, "ContactId"), text(parameters, "StreamingId"))
        return {}
