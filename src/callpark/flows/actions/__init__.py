"""The actions that callpark runs, by type: the one table through which the engine dispatches.

One file per action type or close family. A new action is a file with an `ActionType` and a row here.
"""

from collections.abc import Mapping

from callpark.flows.actions.attributes import UPDATE_CONTACT_ATTRIBUTES, UPDATE_FLOW_ATTRIBUTES
from callpark.flows.actions.callback import CREATE_CALLBACK_CONTACT, UPDATE_CONTACT_CALLBACK_NUMBER
from callpark.flows.actions.cases import CREATE_CASE, GET_CASE, UPDATE_CASE
from callpark.flows.actions.compare import COMPARE
from callpark.flows.actions.contact_data import UPDATE_CONTACT_DATA
from callpark.flows.actions.data_tables import EVALUATE_DATA_TABLE_VALUES
from callpark.flows.actions.distribute import DISTRIBUTE_BY_PERCENTAGE
from callpark.flows.actions.ending import DISCONNECT_PARTICIPANT, END_FLOW_EXECUTION
from callpark.flows.actions.event_hooks import UPDATE_CONTACT_EVENT_HOOKS
from callpark.flows.actions.holding import UPDATE_PREVIOUS_CONTACT_PARTICIPANT_STATE
from callpark.flows.actions.hours import CHECK_HOURS_OF_OPERATION
from callpark.flows.actions.input import GET_PARTICIPANT_INPUT
from callpark.flows.actions.invoke import INVOKE_LAMBDA_FUNCTION
from callpark.flows.actions.iterating import MESSAGE_PARTICIPANT_ITERATIVELY
from callpark.flows.actions.lex import CONNECT_PARTICIPANT_WITH_LEX_BOT
from callpark.flows.actions.load import LOAD_LAMBDA_FUNCTION_RESULT
from callpark.flows.actions.loop import LOOP
from callpark.flows.actions.media import UPDATE_CONTACT_MEDIA_PROCESSING, UPDATE_CONTACT_MEDIA_STREAMING_BEHAVIOR
from callpark.flows.actions.message import MESSAGE_PARTICIPANT
from callpark.flows.actions.metrics import CHECK_METRIC_DATA, GET_METRIC_DATA
from callpark.flows.actions.modules import END_FLOW_MODULE_EXECUTION, INVOKE_FLOW_MODULE
from callpark.flows.actions.outbound import CHECK_OUTBOUND_CALL_STATUS, COMPLETE_OUTBOUND_CALL
from callpark.flows.actions.persistence import CREATE_PERSISTENT_CONTACT_ASSOCIATION
from callpark.flows.actions.profiles import (
    ASSOCIATE_CONTACT_TO_CUSTOMER_PROFILE,
    CREATE_CUSTOMER_PROFILE,
    GET_CALCULATED_ATTRIBUTES_FOR_CUSTOMER_PROFILE,
    GET_CUSTOMER_PROFILE,
    GET_CUSTOMER_PROFILE_OBJECT,
    UPDATE_CUSTOMER_PROFILE,
)
from callpark.flows.actions.queueing import (
    DEQUEUE_CONTACT_AND_TRANSFER_TO_QUEUE,
    TRANSFER_CONTACT_TO_AGENT,
    TRANSFER_CONTACT_TO_QUEUE,
    UPDATE_CONTACT_TARGET_QUEUE,
)
from callpark.flows.actions.recording import (
    UPDATE_CONTACT_RECORDING_AND_ANALYTICS_BEHAVIOR,
    UPDATE_CONTACT_RECORDING_BEHAVIOR,
)
from callpark.flows.actions.routing import UPDATE_CONTACT_ROUTING_BEHAVIOR, UPDATE_CONTACT_ROUTING_CRITERIA
from callpark.flows.actions.settings import UPDATE_CONTACT_TEXT_TO_SPEECH_VOICE, UPDATE_FLOW_LOGGING_BEHAVIOR
from callpark.flows.actions.tags import TAG_CONTACT, UNTAG_CONTACT
from callpark.flows.actions.task import CREATE_TASK, RESUME_CONTACT
from callpark.flows.actions.third_party import TRANSFER_PARTICIPANT_TO_THIRD_PARTY
from callpark.flows.actions.transfer import TRANSFER_TO_FLOW
from callpark.flows.actions.unsupported import UNSUPPORTED
from callpark.flows.actions.view import SHOW_VIEW
from callpark.flows.actions.voice_id import CHECK_VOICE_ID, START_VOICE_ID_STREAM
from callpark.flows.actions.wait import WAIT
from callpark.flows.actions.wisdom import CREATE_WISDOM_SESSION
from callpark.flows.program import ActionType

ACTION_TYPES: Mapping[str, ActionType] = {
    action.name: action
    for action in (
        ASSOCIATE_CONTACT_TO_CUSTOMER_PROFILE,
        CHECK_HOURS_OF_OPERATION,
        CHECK_METRIC_DATA,
        CHECK_OUTBOUND_CALL_STATUS,
        CHECK_VOICE_ID,
        COMPARE,
        COMPLETE_OUTBOUND_CALL,
        CONNECT_PARTICIPANT_WITH_LEX_BOT,
        CREATE_CALLBACK_CONTACT,
        CREATE_CASE,
        CREATE_CUSTOMER_PROFILE,
        CREATE_PERSISTENT_CONTACT_ASSOCIATION,
        CREATE_TASK,
        CREATE_WISDOM_SESSION,
        DEQUEUE_CONTACT_AND_TRANSFER_TO_QUEUE,
        DISCONNECT_PARTICIPANT,
        DISTRIBUTE_BY_PERCENTAGE,
        END_FLOW_EXECUTION,
        END_FLOW_MODULE_EXECUTION,
        EVALUATE_DATA_TABLE_VALUES,
        GET_CALCULATED_ATTRIBUTES_FOR_CUSTOMER_PROFILE,
        GET_CASE,
        GET_CUSTOMER_PROFILE,
        GET_CUSTOMER_PROFILE_OBJECT,
        GET_METRIC_DATA,
        GET_PARTICIPANT_INPUT,
        INVOKE_FLOW_MODULE,
        INVOKE_LAMBDA_FUNCTION,
        LOAD_LAMBDA_FUNCTION_RESULT,
        LOOP,
        MESSAGE_PARTICIPANT,
        MESSAGE_PARTICIPANT_ITERATIVELY,
        RESUME_CONTACT,
        SHOW_VIEW,
        START_VOICE_ID_STREAM,
        TAG_CONTACT,
        TRANSFER_CONTACT_TO_AGENT,
        TRANSFER_CONTACT_TO_QUEUE,
        TRANSFER_PARTICIPANT_TO_THIRD_PARTY,
        TRANSFER_TO_FLOW,
        UNTAG_CONTACT,
        UPDATE_CASE,
        UPDATE_CONTACT_ATTRIBUTES,
        UPDATE_CONTACT_CALLBACK_NUMBER,
        UPDATE_CONTACT_DATA,
        UPDATE_CONTACT_EVENT_HOOKS,
        UPDATE_CONTACT_MEDIA_PROCESSING,
        UPDATE_CONTACT_MEDIA_STREAMING_BEHAVIOR,
        UPDATE_CONTACT_RECORDING_AND_ANALYTICS_BEHAVIOR,
        UPDATE_CONTACT_RECORDING_BEHAVIOR,
        UPDATE_CONTACT_ROUTING_BEHAVIOR,
        UPDATE_CONTACT_ROUTING_CRITERIA,
        UPDATE_CONTACT_TARGET_QUEUE,
        UPDATE_CONTACT_TEXT_TO_SPEECH_VOICE,
        UPDATE_CUSTOMER_PROFILE,
        UPDATE_FLOW_ATTRIBUTES,
        UPDATE_FLOW_LOGGING_BEHAVIOR,
        UPDATE_PREVIOUS_CONTACT_PARTICIPANT_STATE,
        WAIT,
        *UNSUPPORTED,
    )
}
