"""Chats through the API of Amazon Connect: StartChatContact.

https://docs.aws.amazon.com/connect/latest/APIReference/API_StartChatContact.html
"""

import logging
from collections.abc import Mapping

from callpark.flows.api.contact_operations import check_attributes, check_instance
from callpark.flows.api.participant_operations import connection_members
from callpark.flows.api.reading import members, number, text, text_map, texts
from callpark.flows.chat import refusals
from callpark.flows.chat.model import MESSAGES, TEXT
from callpark.flows.chat.service import Chats, NewChat
from callpark.flows.service import Flows
from callpark.kernel.errors import ProjectError
from callpark.kernel.operations import Call, OperationTable

_log = logging.getLogger("callpark")

#: Kept nowhere and acted on by nothing.
_UNUSED = ("SegmentAttributes", "ParticipantConfiguration", "DisconnectOnCustomerExit")


class ChatOperations:
    def __init__(self, flows: Flows, chats: Chats) -> None:
        self._flows = flows
        self._chats = chats
        self._warned: set[str] = set()

    def table(self) -> OperationTable:
        return {
            ("connect", "StartChatContact"): self.start,
            ("connect", "StartContactStreaming"): self.start_streaming,
            ("connect", "StopContactStreaming"): self.stop_streaming,
            ("connect", "CreateParticipant"): self.create_participant,
        }

    async def start(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        check_instance(self._flows, text(parameters, "InstanceId"))
        if "ChatStreamingConfiguration" in parameters:
            raise refusals.not_built("ChatStreamingConfiguration of StartChatContact")
        self._warn(parameters)
        wanted = self._wanted(parameters)
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
        if types := texts(parameters, "ConnectionTypes"):
            connection = self._chats.connection(self._chats.admit(begun.participant_token))
            answer |= connection_members(connection, types, call)
        return answer

    async def start_streaming(self, call: Call) -> Mapping[str, object]:
        raise refusals.not_built("StartContactStreaming: messages are read over the web socket or with GetTranscript")

    async def stop_streaming(self, call: Call) -> Mapping[str, object]:
        raise refusals.not_built("StopContactStreaming: nothing is streamed")

    async def create_participant(self, call: Call) -> Mapping[str, object]:
        raise refusals.not_built("CreateParticipant: the customer is the only participant that connects")

    def _wanted(self, parameters: Mapping[str, object]) -> NewChat:
        """Raises CallerError for what cannot be."""
        attributes = text_map(parameters, "Attributes")
        check_attributes(attributes, self._chats.limits)
        persistent = members(parameters, "PersistentChat")
        if persistent and "RelatedContactId" in parameters:
            raise refusals.invalid_request("RelatedContactId and PersistentChat cannot both be given")
        types = tuple(texts(parameters, "SupportedMessagingContentTypes")) or (TEXT,)
        unknown = [name for name in types if name not in MESSAGES]
        if unknown or TEXT not in types:
            raise refusals.invalid_request(
                f"SupportedMessagingContentTypes are {TEXT} and others of {', '.join(MESSAGES)}"
            )
        minutes = number(parameters, "ChatDurationInMinutes")
        return NewChat(
            flow=text(parameters, "ContactFlowId"),
            display_name=text(members(parameters, "ParticipantDetails"), "DisplayName"),
            attributes=attributes,
            initial=self._initial(members(parameters, "InitialMessage"), types),
            content_types=types,
            seconds=None if minutes is None else minutes * 60.0,
            source=text(persistent, "SourceContactId") or None,
            segment=text(persistent, "RehydrationType") == "FROM_SEGMENT",
            related_contact_id=text(parameters, "RelatedContactId") or None,
            customer_id=text(parameters, "CustomerId") or None,
            client_token=text(parameters, "ClientToken"),
        )

    def _initial(self, message: Mapping[str, object], types: tuple[str, ...]) -> tuple[str, str] | None:
        if not message:
            return None
        content_type, content = text(message, "ContentType"), text(message, "Content")
        if content_type not in types:
            raise refusals.invalid_request(
                f"InitialMessage.ContentType {content_type[:100]} is not supported by the chat"
            )
        problem = self._chats.problem_of(content_type, content)
        if problem:
            raise refusals.invalid_request(f"InitialMessage: {problem}")
        return content_type, content

    def _warn(self, parameters: Mapping[str, object]) -> None:
        for name in _UNUSED:
            if name in parameters and name not in self._warned:
                self._warned.add(name)
                _log.warning("StartChatContact: callpark does not act on %s", name)
