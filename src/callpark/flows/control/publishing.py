"""What stands between a flow's content and its publication. Pure; called by the operations in `api/`.

https://docs.aws.amazon.com/connect/latest/APIReference/API_CreateContactFlow.html
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from callpark.flows.contracts import contract_problems, contracts_of
from callpark.flows.control.refusals import invalid_flow, invalid_module, invalid_request
from callpark.flows.language import parse_flow
from callpark.flows.model import FlowDefinition
from callpark.flows.placement import MODULE
from callpark.flows.problems import Problem
from callpark.flows.validate import publish_problems
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ConnectLimits

#: The service model's bounds of `problems`.
PROBLEMS: Final = 50
PROBLEM_CHARACTERS: Final = 256


def check_published(definition: FlowDefinition, others: Sequence[FlowDefinition], limits: ConnectLimits) -> None:
    """Raises CallerError for content that AWS would not publish. `others` bring the contracts of the modules."""
    found = problems(definition, others, limits)
    if not found:
        return
    shown = [problem[:PROBLEM_CHARACTERS] for problem in found[:PROBLEMS]]
    raise invalid_module(shown) if definition.type == MODULE else invalid_flow(shown)


def problems(definition: FlowDefinition, others: Sequence[FlowDefinition], limits: ConnectLimits) -> list[str]:
    """AWS's sentences where they are known, each with what and where it is."""
    try:
        flow = parse_flow(definition)
    except ProjectError as error:
        cause = error.cause.removeprefix(f"flow {definition.name}").lstrip(",: ")
        return [f"Invalid contact flow format. {cause[:1].upper()}{cause[1:]}"]
    if flow.type == MODULE and flow.settings is None:
        raise invalid_request("JSON field is missing or null for field name: settings")
    found = [
        *publish_problems(flow, limits),
        *contract_problems(flow, definition, contracts_of([*others, definition])),
    ]
    return [_told(problem) for problem in found if problem.severity == "error"]


def _told(problem: Problem) -> str:
    return f"{problem.message} (action {problem.action!r})" if problem.action else problem.message


def digest(content: str) -> str:
    """FlowContentSha256."""
    return hashlib.sha256(content.encode()).hexdigest()


def checked_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    """Raises CallerError."""
    reserved = [key for key in tags if key.lower().startswith("aws:")]
    if reserved:
        raise invalid_request(f"Tag keys must not begin with aws:, as {reserved[0]!r} does.")
    return tags
