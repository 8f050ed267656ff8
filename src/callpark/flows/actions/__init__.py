"""The actions that callpark runs, by type: the one table through which the engine dispatches.

One file per action type or close family. A new action is a file with an `ActionType` and a row here.
"""

from collections.abc import Mapping

from callpark.flows.actions.attributes import UPDATE_CONTACT_ATTRIBUTES, UPDATE_FLOW_ATTRIBUTES
from callpark.flows.actions.compare import COMPARE
from callpark.flows.actions.ending import DISCONNECT_PARTICIPANT, END_FLOW_EXECUTION
from callpark.flows.actions.input import GET_PARTICIPANT_INPUT
from callpark.flows.actions.invoke import INVOKE_LAMBDA_FUNCTION
from callpark.flows.actions.load import LOAD_LAMBDA_FUNCTION_RESULT
from callpark.flows.actions.loop import LOOP
from callpark.flows.actions.message import MESSAGE_PARTICIPANT
from callpark.flows.actions.settings import UPDATE_CONTACT_TEXT_TO_SPEECH_VOICE, UPDATE_FLOW_LOGGING_BEHAVIOR
from callpark.flows.actions.transfer import TRANSFER_TO_FLOW
from callpark.flows.actions.wait import WAIT
from callpark.flows.program import ActionType

ACTION_TYPES: Mapping[str, ActionType] = {
    action.name: action
    for action in (
        COMPARE,
        DISCONNECT_PARTICIPANT,
        END_FLOW_EXECUTION,
        GET_PARTICIPANT_INPUT,
        INVOKE_LAMBDA_FUNCTION,
        LOAD_LAMBDA_FUNCTION_RESULT,
        LOOP,
        MESSAGE_PARTICIPANT,
        TRANSFER_TO_FLOW,
        UPDATE_CONTACT_ATTRIBUTES,
        UPDATE_CONTACT_TEXT_TO_SPEECH_VOICE,
        UPDATE_FLOW_ATTRIBUTES,
        UPDATE_FLOW_LOGGING_BEHAVIOR,
        WAIT,
    )
}
