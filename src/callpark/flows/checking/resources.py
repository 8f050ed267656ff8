"""References to what the project does not have: queues, hours, prompts, flows, modules, bots, views."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from callpark.flows.checking.rules import Hit, Rule
from callpark.flows.checking.view import View
from callpark.flows.language import Action
from callpark.flows.placement import MODULE
from callpark.flows.references import template
from callpark.flows.resources import Resources, look_up

NOT_DECLARED = Rule(
    "CP311",
    "warning",
    "a reference to something that is not declared",
    "The block takes its error branch when what it names does not exist in the instance.",
    "Declare it in the template or in connect.yaml, or correct the id.",
)


class Kind(NamedTuple):
    """`listed`: everything of a kind by what names it, empty while nothing of it is declared."""

    word: str
    listed: Callable[[Resources], Mapping[str, object]]


_QUEUE = Kind("queue", lambda resources: resources.queues)
_AGENT = Kind("agent", lambda resources: resources.agents)
_HOURS = Kind("hours", lambda resources: resources.hours)
_PROMPT = Kind("prompt", lambda resources: resources.prompts)
_BOT = Kind("bot", lambda resources: resources.bots)
_VIEW = Kind("view", lambda resources: resources.views)
_TEMPLATE = Kind("task template", lambda resources: resources.task_templates)
_FLOW, _MODULE = "flow", "module"

_NAMED: Mapping[str, Kind | str] = {
    "QueueId": _QUEUE,
    "AgentId": _AGENT,
    "HoursOfOperationId": _HOURS,
    "PromptId": _PROMPT,
    "TaskTemplateId": _TEMPLATE,
    "ContactFlowId": _FLOW,
    "FlowModuleId": _MODULE,
}


def undeclared(view: View) -> Iterator[Hit]:
    for action in view.actions():
        for kind, reference in _references(action):
            word = kind if isinstance(kind, str) else kind.word
            if reference and template(reference).fixed is not None and not _is_known(view, kind, reference):
                yield Hit(NOT_DECLARED, action, f"there is no {word} {reference!r} in the project")


def _references(action: Action) -> Iterator[tuple[Kind | str, str]]:
    parameters = action.parameters
    for name, kind in _NAMED.items():
        if isinstance(value := parameters.get(name), str):
            yield kind, value
    messages = parameters.get("Messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and isinstance(value := message.get("PromptId"), str):
            yield _PROMPT, value
    for member, key, kind in (("LexV2Bot", "AliasArn", _BOT), ("ViewResource", "Id", _VIEW)):
        inner = parameters.get(member)
        if isinstance(inner, dict) and isinstance(value := inner.get(key), str):
            yield kind, value
    hooks = parameters.get("EventHooks")
    for value in hooks.values() if isinstance(hooks, dict) else ():
        if isinstance(value, str):
            yield _FLOW, value


def _is_known(view: View, kind: Kind | str, reference: str) -> bool:
    """A kind of which nothing is declared is lenient, as it is at run time."""
    if isinstance(kind, str):
        if not view.known.whole:
            return True
        wanted = [flow for flow in view.known.flows if (flow.type == MODULE) == (kind == _MODULE)]
        last = reference.removesuffix(":$LATEST").removesuffix(":$SAVED").rsplit("/", 1)[-1].partition(":")[0]
        return any(last in (flow.id, flow.name) or reference == flow.arn for flow in wanted)
    listed = kind.listed(view.known.resources)
    if not listed or look_up(listed, reference.removeprefix("PROMPT#")) is not None:
        return True
    return kind is _PROMPT and (reference.startswith("s3:") or "." in reference.rsplit("/", 1)[-1])
