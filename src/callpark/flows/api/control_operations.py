"""The operations on what an instance owns, and on contacts that the API makes, in one table. Called by `operations.py`.

What is not among them (creating instances, storage, user hierarchies, evaluation
forms, …) the gateway answers by name: 501.
"""

from callpark.flows.api.agent_statuses import AgentStatusOperations
from callpark.flows.api.associated_functions import AssociatedFunctionOperations
from callpark.flows.api.contact_flows import ContactFlowOperations
from callpark.flows.api.file_rules import FileRuleOperations
from callpark.flows.api.flow_modules import FlowModuleOperations
from callpark.flows.api.flow_versions import FLOWS, MODULES, FlowVersionOperations
from callpark.flows.api.hours import HoursOperations
from callpark.flows.api.instances import InstanceOperations, guarded
from callpark.flows.api.integrations import IntegrationOperations
from callpark.flows.api.made_contacts import MadeContactOperations
from callpark.flows.api.metric_data import MetricDataOperations
from callpark.flows.api.phone_numbers import PhoneNumberOperations
from callpark.flows.api.proficiencies import ProficiencyOperations
from callpark.flows.api.prompts import PromptOperations
from callpark.flows.api.queues import QueueOperations
from callpark.flows.api.quick_connects import QuickConnectOperations
from callpark.flows.api.routing_profiles import RoutingProfileOperations
from callpark.flows.api.search_contacts import SearchContactOperations
from callpark.flows.api.tags import TagOperations
from callpark.flows.api.users import UserOperations
from callpark.flows.control.plane import ControlPlane
from callpark.kernel.operations import OperationTable


def control_operations(plane: ControlPlane) -> OperationTable:
    table: OperationTable = {
        **InstanceOperations(plane).table(),
        **ContactFlowOperations(plane).table(),
        **FlowModuleOperations(plane).table(),
        **FlowVersionOperations(plane, FLOWS).table(),
        **FlowVersionOperations(plane, MODULES).table(),
        **AssociatedFunctionOperations(plane).table(),
        **IntegrationOperations(plane).table(),
        **FileRuleOperations(plane).table(),
        **PhoneNumberOperations(plane).table(),
        **QueueOperations(plane).table(),
        **HoursOperations(plane).table(),
        **PromptOperations(plane).table(),
        **UserOperations(plane).table(),
        **ProficiencyOperations(plane).table(),
        **RoutingProfileOperations(plane).table(),
        **AgentStatusOperations(plane).table(),
        **QuickConnectOperations(plane).table(),
        **TagOperations(plane).table(),
        **MadeContactOperations(plane).table(),
        **SearchContactOperations(plane).table(),
        **MetricDataOperations(plane).table(),
    }
    return guarded(plane, table)
