"""All operations of Amazon Connect and its participant service, for the gateway. Called by `app.py`."""

from callpark.flows.api.attachment_operations import AttachmentOperations
from callpark.flows.api.chat_operations import ChatOperations
from callpark.flows.api.contact_operations import ContactOperations
from callpark.flows.api.control_operations import control_operations
from callpark.flows.api.messaging_operations import MessagingOperations
from callpark.flows.api.participant_operations import ParticipantOperations
from callpark.flows.api.streaming_operations import StreamingOperations
from callpark.flows.api.throttling import throttled
from callpark.flows.api.view_operations import ViewOperations
from callpark.flows.chat.attachments import Attachments
from callpark.flows.chat.service import Chats
from callpark.flows.chat.streaming import Streaming
from callpark.flows.control.plane import ControlPlane
from callpark.flows.service import Flows
from callpark.kernel.operations import OperationTable


def operations(
    flows: Flows, chats: Chats, attachments: Attachments, streaming: Streaming, plane: ControlPlane
) -> OperationTable:
    table: OperationTable = {
        **ContactOperations(flows, chats.limits).table(),
        **ChatOperations(flows, chats, streaming).table(),
        **MessagingOperations(chats, streaming, plane).table(),
        **StreamingOperations(flows, streaming).table(),
        **ParticipantOperations(chats).table(),
        **AttachmentOperations(chats, attachments).table(),
        **ViewOperations(flows, chats).table(),
        **control_operations(plane),
    }
    return throttled(table, chats.clock, chats.limits)
