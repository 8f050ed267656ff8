"""Edges and blocks that are wrong in themselves: to nowhere, never reached, close to AWS's limit."""

from collections.abc import Iterator

from callpark.flows.checking.rules import Hit, Rule
from callpark.flows.checking.view import View
from callpark.flows.language import Flow, branches

NOWHERE = Rule(
    "CP101",
    "error",
    "an edge leads to nowhere",
    "The flow cannot be published; a contact that took this edge would be cut off.",
    "Wire the branch to a block of this flow.",
)
UNREACHABLE = Rule(
    "CP102",
    "warning",
    "no path leads to a block",
    "What the block does never happens, although somebody drew it; often a branch was forgotten.",
    "Wire a branch to the block, or delete it.",
)
NEAR_LIMIT = Rule(
    "CP103",
    "note",
    "the flow is close to the limit of actions",
    "AWS refuses to publish a flow beyond the limit, and the next change may be the one.",
    "Move a part into a flow module or another flow.",
)

_NEAR = 0.9


def edges_to_nowhere(flow: Flow) -> Iterator[Hit]:
    """Asked before all else: a flow with such edges is not run. Unwired branches are AWS's own problem (CP002)."""
    if flow.start not in flow.actions:
        yield Hit(NOWHERE, None, f"StartAction names no action: {flow.start!r}")
    for action in flow.actions.values():
        for branch, target in branches(action):
            if target and target not in flow.actions:
                yield Hit(NOWHERE, action, f"{branch} leads to {target!r}, which is no action of this flow")


def unreachable(view: View) -> Iterator[Hit]:
    for name, action in view.flow.actions.items():
        if name not in view.graph.reached:
            yield Hit(UNREACHABLE, action, "no path from the start leads to this block")


def near_limit(view: View) -> Iterator[Hit]:
    count, most = len(view.flow.actions), view.known.limits.actions_per_flow
    if _NEAR * most <= count <= most:
        yield Hit(NEAR_LIMIT, None, f"{count} of {most} actions")
