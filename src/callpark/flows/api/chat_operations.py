"""Chats through the API of Amazon Connect: begin one, let a custom participant in, have it go on from an earlier one.

https://docs.aws.amazon.com/connect/latest/APIReference/API_StartChatContact.html
"""

import logging
from collections.abc import Mapping

from callpark.flows.api.chat_requests import attributes_of, content_types, first_message, seconds
from callpark.flows.api.contact_operations import check_instance
from callpark.flows.api.participant_operations import connection_members
from callpark.flows.api.reading import members, text, texts
from callpark.flows.chat import refusals
from callpark.flows.chat.model import Stream
from callpark.flows.chat.requests import NewChat
from callpark.flows.chat.service import Chats
from callpark.flows.chat.streaming import Streaming
from callpark.flows.logs import timestamp
from callpark.flows.service import Flows
from callpark.kernel.errors import ProjectError
from callpark.kernel.operations import Call, OperationTable

_log = logging.getLogger("callpark")

#: Kept nowhere and acted on by nothing.
_UNUSED = ("ParticipantConfiguration", "DisconnectOnCustomerExit")
_SUBTYPE = "connect:Subtype"


class ChatOperations:
    def __init__(self, flows: Flows, chats: Chats, streaming: Streaming) -> None:
        self._flows = flows
        self._chats = chats
        self._streaming = streaming
        self._warned: set[str] = set()

    def table(self) -> OperationTable:
        return {
            ("connect", "StartChatContact"): self.start,
            ("connect", "CreateParticipant"): self.create_participant,
            ("connect", "CreatePersistentContactAssociation"): self.go_on_from,
        }

    async def start(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        check_instance(self._flows, text(parameters, "InstanceId"))
        self._warn(parameters)
        wanted = self._wanted(parameters, await self._streams(parameters))
        try:
            begun = await self._chats.begin(wanted)
        except ProjectError:
            raise refusals.no_resource(f"The contact flow {wanted.flow}") from None
        answer: dict[str, object] = {
            "ContactId": begun.contact_id,
            "ParticipantId": begun.participant_id,
            "ParticipantToken": begun.participant_token,
        }
        if begun.continued_from:
            answer["ContinuedFromContactId"] = begun.continued_from
        if begun.streaming_id:
            answer["StreamingId"] = begun.streaming_id
        if types := texts(parameters, "ConnectionTypes"):
            connection = self._chats.connection(self._chats.admit(begun.participant_token))
            answer |= connection_members(connection, types, call)
        return answer

    async def create_participant(self, call: Call) -> Mapping[str, object]:
        """AWS lets CUSTOM_BOT in and nobody else."""
        parameters = call.parameters
        check_instance(self._flows, text(parameters, "InstanceId"))
        details = members(parameters, "ParticipantDetails")
        if text(details, "ParticipantRole") != "CUSTOM_BOT":
            raise refusals.invalid_request("ParticipantDetails.ParticipantRole is CUSTOM_BOT")
        name = text(details, "DisplayName")
        if not name:
            raise refusals.invalid_request("ParticipantDetails.DisplayName is needed")
        invitation = await self._chats.invite(text(parameters, "ContactId"), name, text(parameters, "ClientToken"))
        return {
            "ParticipantId": invitation.participant_id,
            "ParticipantCredentials": {
                "ParticipantToken": invitation.participant_token,
                "Expiry": timestamp(invitation.expires),
            },
        }

    async def go_on_from(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        check_instance(self._flows, text(parameters, "InstanceId"))
        source = text(parameters, "SourceContactId")
        return {"ContinuedFromContactId": await self._chats.rehydrate(text(parameters, "InitialContactId"), source)}

    async def _streams(self, parameters: Mapping[str, object]) -> tuple[Stream, ...]:
        """The topic that the chat is streamed to from its first item on. Raises CallerError."""
        topic = text(members(parameters, "ChatStreamingConfiguration"), "StreamingEndpointArn")
        return (await self._streaming.checked(topic, ""),) if topic else ()

    def _wanted(self, parameters: Mapping[str, object], streams: tuple[Stream, ...]) -> NewChat:
        """Raises CallerError for what cannot be."""
        persistent = members(parameters, "PersistentChat")
        if persistent and "RelatedContactId" in parameters:
            raise refusals.invalid_request("RelatedContactId and PersistentChat cannot both be given")
        types = content_types(parameters)
        return NewChat(
            flow=text(parameters, "ContactFlowId"),
            display_name=text(members(parameters, "ParticipantDetails"), "DisplayName"),
            attributes=attributes_of(parameters, self._chats.limits),
            initial=first_message(self._chats, "InitialMessage", members(parameters, "InitialMessage"), types),
            content_types=types,
            seconds=seconds(parameters),
            source=text(persistent, "SourceContactId") or None,
            related_contact_id=text(parameters, "RelatedContactId") or None,
            customer_id=text(parameters, "CustomerId") or None,
            client_token=text(parameters, "ClientToken"),
            streams=streams,
            subtype=text(members(members(parameters, "SegmentAttributes"), _SUBTYPE), "ValueString"),
        )

    def _warn(self, parameters: Mapping[str, object]) -> None:
        unused = [name for name in _UNUSED if name in parameters]
        unused += [f"the segment attribute {name}" for name in members(parameters, "SegmentAttributes")]
        for name in unused:
            if name not in self._warned and not name.endswith(_SUBTYPE):
                self._warned.add(name)
                _log.warning("StartChatContact: callpark does not act on %s", name)
