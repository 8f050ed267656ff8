"""Chats by messaging services (SMS, WhatsApp): the instance writes first, or the customer's messages come in.

No message leaves this machine: what the instance writes is in the transcript, on the web socket and on the topic of
the chat; what the customer answers is sent with SendChatIntegrationEvent, which AWS keeps for its own services. Both
operations find the same chat by who writes to which number by which service.

https://docs.aws.amazon.com/connect/latest/APIReference/API_StartOutboundChatContact.html
https://docs.aws.amazon.com/connect/latest/APIReference/API_SendChatIntegrationEvent.html
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from callpark.flows.api.chat_requests import attributes_of, content_types, first_message, seconds
from callpark.flows.api.contact_operations import check_instance
from callpark.flows.api.participant_operations import happened
from callpark.flows.api.reading import members, text
from callpark.flows.chat import refusals
from callpark.flows.chat.model import Address, Stream
from callpark.flows.chat.requests import Begun, NewChat
from callpark.flows.chat.service import Chats, Seat
from callpark.flows.chat.streaming import Streaming
from callpark.flows.control.model import NumberRecord
from callpark.flows.control.plane import ControlPlane
from callpark.kernel.errors import CallerError, ProjectError
from callpark.kernel.operations import Call, OperationTable

#: Spelled differently by the two operations' pages.
_SUBTYPES: Final = {name.lower(): name for name in ("connect:SMS", "connect:WhatsApp")}


class MessagingOperations:
    def __init__(self, chats: Chats, streaming: Streaming, plane: ControlPlane) -> None:
        self._chats = chats
        self._streaming = streaming
        self._plane = plane
        self._beginning = asyncio.Lock()

    def table(self) -> OperationTable:
        return {
            ("connect", "StartOutboundChatContact"): self.write_first,
            ("connect", "SendChatIntegrationEvent"): self.come_in,
        }

    async def write_first(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        check_instance(self._plane.flows, text(parameters, "InstanceId"))
        if "InitialTemplatedSystemMessage" in parameters:
            raise refusals.not_built("InitialTemplatedSystemMessage of StartOutboundChatContact")
        number = self._number(_endpoint(parameters, "SourceEndpoint", "CONNECT_PHONENUMBER_ARN"))
        customer = _endpoint(parameters, "DestinationEndpoint", "TELEPHONE_NUMBER")
        subtype = text(members(members(parameters, "SegmentAttributes"), "connect:Subtype"), "ValueString")
        if subtype not in _SUBTYPES.values():
            raise refusals.invalid_request(f"SegmentAttributes hold connect:Subtype, {' or '.join(_SUBTYPES.values())}")
        types, greeting = content_types(parameters), members(parameters, "InitialSystemMessage")
        wanted = NewChat(
            flow=text(parameters, "ContactFlowId"),
            display_name=text(members(parameters, "ParticipantDetails"), "DisplayName") or customer,
            attributes=attributes_of(parameters, self._chats.limits),
            greeting=first_message(self._chats, "InitialSystemMessage", greeting, types),
            content_types=types,
            seconds=seconds(parameters),
            related_contact_id=text(parameters, "RelatedContactId") or None,
            client_token=text(parameters, "ClientToken"),
            address=Address(customer, number.arn, subtype),
            number=number.number,
        )
        async with self._beginning:
            return {"ContactId": (await self._begin(wanted)).contact_id}

    async def come_in(self, call: Call) -> Mapping[str, object]:
        """Without an open chat a message begins one; other events come to nothing."""
        parameters = call.parameters
        subtype = text(parameters, "Subtype") or "connect:SMS"
        number = self._number(text(parameters, "DestinationId"))
        address = Address(text(parameters, "SourceId"), number.arn, _SUBTYPES.get(subtype.lower(), subtype))
        event = members(parameters, "Event")
        async with self._beginning:
            seat = self._chats.at(address)
            if seat is None:
                if text(event, "Type") != "MESSAGE":
                    return {"NewChatCreated": False}
                begun = await self._answered(number, address, event, members(parameters, "NewSessionDetails"))
                return {"InitialContactId": begun.contact_id, "NewChatCreated": True}
        try:
            await self._act(seat, event)
        except CallerError as error:
            raise refusals.invalid_request(error.message) if error.status == 400 else error from None
        initial = seat.contact.party.initial_contact_id or seat.contact.id
        return {"InitialContactId": initial, "NewChatCreated": False}

    async def _act(self, seat: Seat, event: Mapping[str, object]) -> None:
        match text(event, "Type"):
            case "MESSAGE":
                await self._chats.send(seat, text(event, "ContentType"), text(event, "Content"), "")
            case "DISCONNECT":
                await seat.room.leave(seat.participant)
            case _:
                await happened(self._chats, seat, text(event, "ContentType"), text(event, "Content"))

    async def _answered(
        self, number: NumberRecord, address: Address, event: Mapping[str, object], details: Mapping[str, object]
    ) -> Begun:
        """The number's flow answers a first message. Raises CallerError."""
        if number.flow_arn is None:
            raise refusals.invalid_request(f"The number {number.number} is answered by no flow")
        types = content_types(details)
        wanted = NewChat(
            flow=number.flow_arn,
            display_name=text(members(details, "ParticipantDetails"), "DisplayName") or address.source,
            attributes=attributes_of(details, self._chats.limits),
            initial=first_message(self._chats, "Event", event, types),
            content_types=types,
            streams=await self._streams(details),
            address=address,
            number=number.number,
        )
        return await self._begin(wanted)

    async def _begin(self, wanted: NewChat) -> Begun:
        try:
            return await self._chats.begin(wanted)
        except ProjectError:
            raise refusals.no_resource(f"The contact flow {wanted.flow}") from None

    async def _streams(self, details: Mapping[str, object]) -> tuple[Stream, ...]:
        topic = text(members(details, "StreamingConfiguration"), "StreamingEndpointArn")
        return (await self._streaming.checked(topic, ""),) if topic else ()

    def _number(self, reference: str) -> NumberRecord:
        """By ARN, id or in E.164. Raises CallerError."""
        for record in self._plane.records(NumberRecord):
            if record.number == reference:
                return record
        return self._plane.find(NumberRecord, "The phone number", reference)


def _endpoint(parameters: Mapping[str, object], member: str, kind: str) -> str:
    """The address of an endpoint of the one type that is allowed. Raises CallerError."""
    endpoint = members(parameters, member)
    address = text(endpoint, "Address")
    if text(endpoint, "Type") != kind or not address:
        raise refusals.invalid_request(f"{member} is an Address of Type {kind}")
    return address
