"""Modules that call themselves, or lie too deep in each other."""

from collections.abc import Iterator, Mapping

from callpark.flows.checking.graph import components
from callpark.flows.checking.rules import Hit, Rule
from callpark.flows.checking.view import View
from callpark.flows.language import Action, Flow
from callpark.flows.placement import MODULE

CYCLE = Rule(
    "CP121",
    "error",
    "modules call each other in a circle",
    "A module within itself is entered until the nesting limit; then the error branch is taken, for every caller.",
    "Let one of the modules come back with a Result, and loop in the flow that calls it.",
)
TOO_DEEP = Rule(
    "CP122",
    "error",
    "modules are nested deeper than AWS allows",
    "The module beyond the limit is not entered: the contact takes the error branch there.",
    "Call the inner modules from the flow, one after the other.",
)


def module_nesting(view: View) -> Iterator[Hit]:
    """Every path of calls from this flow."""
    modules = {flow.arn: flow for flow in view.known.flows if flow.type == MODULE}
    modules[view.flow.arn] = view.flow
    calls = {arn: [target for _, target in _calls(flow, modules)] for arn, flow in modules.items()}
    parts = components(list(modules), lambda arn: calls[arn])
    round_: dict[str, tuple[str, ...]] = {arn: part for part in parts for arn in part}
    depth: dict[str, int] = {}
    for part in parts:
        below = [depth[target] for arn in part for target in calls[arn] if target in depth]
        depth.update(dict.fromkeys(part, 1 + max(below, default=-1)))
    for action, target in _calls(view.flow, modules):
        if target in round_[view.flow.arn] and (len(round_[view.flow.arn]) > 1 or target == view.flow.arn):
            names = ", ".join(sorted(modules[arn].name for arn in round_[view.flow.arn]))
            yield Hit(CYCLE, action, f"the module comes back to this flow: {names}")
        elif view.flow.type != MODULE and depth[target] + 1 > view.known.limits.module_depth:
            most = view.known.limits.module_depth
            yield Hit(TOO_DEEP, action, f"{depth[target] + 1} modules within each other, AWS allows {most}")


def _calls(flow: Flow, modules: Mapping[str, Flow]) -> Iterator[tuple[Action, str]]:
    """The actions of a flow that invoke a module of the project, with its ARN."""
    by_name = {key: arn for arn, module in modules.items() for key in (module.name, module.id, arn)}
    for action in flow.actions.values():
        if action.type == "InvokeFlowModule":
            reference = str(action.parameters.get("FlowModuleId", ""))
            arn = by_name.get(reference) or by_name.get(reference.rsplit("/", 1)[-1].partition(":")[0])
            if arn is not None:
                yield action, arn
