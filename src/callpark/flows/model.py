"""Amazon Connect's values as projects declare them: flows, numbers, and which functions an instance may call.

Frozen; made by `projects/` from templates and by `callpark call FLOW`, kept by `flows/instance.py`.
"""

from dataclasses import dataclass
from pathlib import Path

from callpark.flows.declared import NOTHING_DECLARED, Declared


@dataclass(frozen=True, slots=True)
class FlowDefinition:
    """A contact flow: its ARN, and its content in the flow language as JSON text.

    https://docs.aws.amazon.com/connect/latest/devguide/flow-language.html
    """

    name: str
    arn: str
    content: str
    type: str = "CONTACT_FLOW"
    source: Path | None = None
    settings: str | None = None
    """Of a module (type MODULE): its contract, JSON text as on the resource."""


@dataclass(frozen=True, slots=True)
class NumberDefinition:
    """A claimed phone number in E.164 and the flow that answers it (None: nobody does)."""

    number: str
    arn: str
    flow_arn: str | None


@dataclass(frozen=True, slots=True)
class InstanceDefinition:
    """The Connect instance of a project."""

    arn: str
    alias: str = "callpark"
    function_arns: tuple[str, ...] = ()
    """Functions associated with the instance. A flow that calls another one takes its error branch, as in AWS."""
    all_functions: bool = False
    """The project declares no associations at all: every local function counts as associated, unless `strict`."""
    declared: Declared = NOTHING_DECLARED
    """Queues, hours, prompts and the rest, from `connect.yaml` and the template."""
    strict: bool = False
    """Refuse a flow that AWS would refuse to publish, instead of warning and running what can run."""
