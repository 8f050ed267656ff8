"""All operations of Amazon Connect and its participant service, for the gateway. Called by `app.py`."""

from callpark.flows.api.chat_operations import ChatOperations
from callpark.flows.api.contact_operations import ContactOperations
from callpark.flows.api.participant_operations import ParticipantOperations
from callpark.flows.chat.service import Chats
from callpark.flows.service import Flows
from callpark.kernel.operations import OperationTable


def operations(flows: Flows, chats: Chats) -> OperationTable:
    return {
        **ContactOperations(flows, chats.limits).table(),
        **ChatOperations(flows, chats).table(),
        **ParticipantOperations(chats).table(),
    }
