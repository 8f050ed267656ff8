"""The participant service: what a customer's client calls with its tokens.

Requests are signed with nothing or anything; the header X-Amz-Bearer carries the token.
https://docs.aws.amazon.com/connect/latest/APIReference/API_Operations_Amazon_Connect_Participant_Service.html
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from callpark.flows.api.addresses import socket_url
from callpark.flows.api.reading import members, number, text, texts
from callpark.flows.chat import refusals, transcript
from callpark.flows.chat.model import ACKNOWLEDGED, DELIVERED, READ, TYPING
from callpark.flows.chat.requests import Connection
from callpark.flows.chat.service import Chats, Seat
from callpark.flows.logs import timestamp
from callpark.kernel.operations import Call, OperationTable

_PAGE, _MOST = 10, 100


class ParticipantOperations:
    def __init__(self, chats: Chats) -> None:
        self._chats = chats

    def table(self) -> OperationTable:
        operations = {
            "CreateParticipantConnection": self.connect,
            "SendMessage": self.send_message,
            "SendEvent": self.send_event,
            "GetTranscript": self.get_transcript,
            "DisconnectParticipant": self.disconnect,
        }
        return {("connectparticipant", name): operation for name, operation in operations.items()}

    async def connect(self, call: Call) -> Mapping[str, object]:
        seat = self._chats.admit(text(call.parameters, "ParticipantToken"))
        types, connects = texts(call.parameters, "Type"), call.parameters.get("ConnectParticipant") is True
        if "WEBRTC_CONNECTION" in types:
            raise refusals.not_built("WEBRTC_CONNECTION")
        if not types and not connects:
            raise refusals.invalid("Type must name a kind of connection")
        if connects or "WEBSOCKET" not in types:  # nobody will subscribe
            seat.room.connect(seat.participant)
        return connection_members(self._chats.connection(seat), types, call)

    async def send_message(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        seat = self._chats.seat(text(parameters, "ConnectionToken"))
        item = await self._chats.send(
            seat, text(parameters, "ContentType"), text(parameters, "Content"), text(parameters, "ClientToken")
        )
        return {"Id": item.id, "AbsoluteTime": timestamp(item.at)}

    async def send_event(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        seat = self._chats.seat(text(parameters, "ConnectionToken"))
        seat.room.connect(seat.participant)
        event_id, at = await happened(self._chats, seat, text(parameters, "ContentType"), text(parameters, "Content"))
        return {"Id": event_id, "AbsoluteTime": timestamp(at)}

    async def get_transcript(self, call: Call) -> Mapping[str, object]:
        parameters = call.parameters
        contact_id = text(parameters, "ContactId") or None
        contact, whole = await self._chats.transcript(text(parameters, "ConnectionToken"), contact_id)
        query = _query(parameters)
        try:
            page = transcript.page(whole, query)
        except transcript.NoSuchItem:
            raise refusals.invalid("StartPosition.Id names no item of this transcript") from None
        initial = contact.party.initial_contact_id or contact.id
        answer: dict[str, object] = {
            "InitialContactId": initial,
            "Transcript": [transcript.members(item) for item in page.items],
        }
        if page.after is not None:
            answer["NextToken"] = _next_token(query, page.after)
        return answer

    async def disconnect(self, call: Call) -> Mapping[str, object]:
        seat = self._chats.seat(text(call.parameters, "ConnectionToken"))
        await seat.room.leave(seat.participant)
        return {}


async def happened(chats: Chats, seat: Seat, content_type: str, content: str) -> tuple[str, float]:
    """An event that a participant sends: its id and instant. Raises CallerError."""
    if content_type in (DELIVERED, READ):
        return await seat.room.acknowledge(seat.participant, _message_id(content), content_type)
    if content_type == TYPING:
        return seat.room.tell(seat.participant, TYPING)
    if content_type == ACKNOWLEDGED:
        return chats.ids.uuid(), chats.clock.now()
    raise refusals.invalid(f"{content_type[:100]} is no event that participants send")


def connection_members(connection: Connection, types: Sequence[str], call: Call) -> dict[str, object]:
    """What CreateParticipantConnection answers for the kinds of connection that are asked for."""
    answer: dict[str, object] = {}
    if "WEBSOCKET" in types:
        answer["Websocket"] = {
            "Url": socket_url(call.headers, connection.socket_token),
            "ConnectionExpiry": timestamp(connection.socket_expires),
        }
    if "CONNECTION_CREDENTIALS" in types:
        answer["ConnectionCredentials"] = {
            "ConnectionToken": connection.token,
            "Expiry": timestamp(connection.expires),
        }
    return answer


def _message_id(content: str) -> str:
    """Raises CallerError."""
    try:
        found = msgspec.json.decode(content or "null")
    except msgspec.DecodeError:
        found = None
    message_id = found.get("messageId") if isinstance(found, dict) else None
    if not isinstance(message_id, str):
        raise refusals.invalid('Content of a receipt is {"messageId": "…"}')
    return message_id


def _query(parameters: Mapping[str, object]) -> transcript.Query:
    """Raises CallerError. A token stands for the whole question but its size."""
    size = number(parameters, "MaxResults") or _PAGE
    token = text(parameters, "NextToken")
    if token:
        forward, ascending, after = _read_token(token)
        return transcript.Query(size, forward, ascending, after=after)
    place = members(parameters, "StartPosition")
    direction = text(parameters, "ScanDirection") or ("FORWARD" if place else "BACKWARD")
    return transcript.Query(
        min(size, _MOST),
        direction == "FORWARD",
        text(parameters, "SortOrder") == "ASCENDING",
        _start(place),
    )


def _start(place: Mapping[str, object]) -> transcript.Start:
    """Raises CallerError for several at once."""
    if len(place) > 1:
        raise refusals.invalid("StartPosition takes one of Id, AbsoluteTime and MostRecent")
    instant = text(place, "AbsoluteTime")
    return transcript.Start(
        text(place, "Id") or None, _instant(instant) if instant else None, number(place, "MostRecent")
    )


def _instant(value: str) -> float:
    """Raises CallerError."""
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise refusals.invalid("StartPosition.AbsoluteTime is an instant like 2019-11-08T02:41:28.172Z") from None


def _next_token(query: transcript.Query, after: int) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode((query.forward, query.ascending, after))).decode()


def _read_token(token: str) -> tuple[bool, bool, int]:
    try:
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(token), type=tuple[bool, bool, int])
    except (ValueError, binascii.Error):
        raise refusals.invalid("NextToken is not valid") from None
