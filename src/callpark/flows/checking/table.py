"""All checks in one table, and a flow put through them. Pure.

Called by `callpark flow check`. First what AWS says when a flow is published (`validate.py`), then what it does not.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from callpark.flows.checking import (
    asynchronous,
    circling,
    edges,
    functions,
    hearing,
    modules,
    resources,
    unfilled,
)
from callpark.flows.checking.dataflow import TooMuch
from callpark.flows.checking.rules import Finding, Hit, Rule, finding
from callpark.flows.checking.view import Known, View, view_of
from callpark.flows.contracts import contract_problems, contracts_of
from callpark.flows.language import Flow
from callpark.flows.model import FlowDefinition
from callpark.flows.problems import Problem
from callpark.flows.validate import publish_problems

UNREADABLE = Rule(
    "CP001",
    "error",
    "the file is no flow",
    "It can be neither published nor run.",
    "Correct the file, or export the flow again.",
)
UNPUBLISHED = Rule(
    "CP002",
    "error",
    "AWS refuses to publish the flow",
    "The flow can be saved, not published: callers keep getting the version that was published before.",
    "Do what the message says; it is AWS's own where it is known.",
)
SURPRISING = Rule(
    "CP003",
    "warning",
    "something may not do what it seems to",
    "The flow runs, but not as drawn.",
    "Do what the message says, or leave it if it is meant so.",
)
LEGACY = Rule(
    "CP004",
    "error",
    "the file is in the legacy export format",
    "AWS imports it, converting it; callpark does not run it as it is.",
    "Convert it with `callpark flow convert FILE`, or export it again from the console.",
)
TOO_LARGE = Rule(
    "CP005",
    "note",
    "the flow is too large to follow its paths",
    "It has several times the actions AWS allows; only what AWS says at publish time was looked at.",
    "Split it.",
)

Check: TypeAlias = Callable[[View], Iterator[Hit]]

CHECKS: tuple[Check, ...] = (
    edges.unreachable,
    edges.near_limit,
    circling.loops_without_a_pause,
    circling.spinning_loads,
    circling.no_way_out,
    circling.asking_for_ever,
    modules.module_nesting,
    functions.timeouts,
    functions.missing,
    functions.rows,
    functions.nested_results,
    asynchronous.overwritten_ids,
    asynchronous.short_waits,
    asynchronous.early_ends,
    asynchronous.never_loaded,
    asynchronous.nested,
    unfilled.unfilled,
    hearing.silence,
    hearing.wordless_ends,
    hearing.unplayable,
    resources.undeclared,
)

RULES: tuple[Rule, ...] = (
    *(UNREADABLE, UNPUBLISHED, SURPRISING, LEGACY, TOO_LARGE),
    *(edges.NOWHERE, edges.UNREACHABLE, edges.NEAR_LIMIT),
    *(circling.SPINNING, circling.POLLING, circling.ENDLESS, circling.ASKING),
    *(modules.CYCLE, modules.TOO_DEEP),
    *(functions.TIMEOUT, functions.NOT_HERE, functions.NOT_ASSOCIATED, functions.ROW, functions.NESTED),
    *(asynchronous.OVERWRITTEN, asynchronous.SHORT_WAIT, asynchronous.HANGS_UP, asynchronous.NEVER_LOADED),
    *(asynchronous.NESTED_WAIT, unfilled.EXTERNAL, unfilled.UNFILLED),
    *(hearing.SILENCE, hearing.WORDLESS, hearing.UNPLAYABLE, resources.NOT_DECLARED),
)
"""Every rule, in the order of its code."""

_FOLLOWED_TIMES = 2
"""Flows of more actions than so many times AWS's limit are not followed (our rule)."""


def check_flow(flow: Flow, definition: FlowDefinition, known: Known) -> list[Finding]:
    """Everything found in one flow, by place and code."""
    hits = [*_published(flow, definition, known), *edges.edges_to_nowhere(flow)]
    if len(flow.actions) > _FOLLOWED_TIMES * known.limits.actions_per_flow:
        hits.append(Hit(TOO_LARGE, None, f"{len(flow.actions)} actions"))
    elif flow.start in flow.actions:
        hits += _followed(flow, known)
    found = dict.fromkeys(finding(flow.name, hit) for hit in hits)
    return sorted(found, key=lambda item: (-1 if item.index is None else item.index, item.code, item.message))


def _followed(flow: Flow, known: Known) -> list[Hit]:
    """What the paths of a flow show. One that is made to be endless work is left with a note."""
    try:
        view = view_of(flow, known)
        return [hit for check in CHECKS for hit in check(view)]
    except TooMuch:
        return [Hit(TOO_LARGE, None, "too many branches and references")]


def _published(flow: Flow, definition: FlowDefinition, known: Known) -> Iterator[Hit]:
    contracts = contracts_of([definition, *known.modules])
    problems: list[Problem] = [*publish_problems(flow, known.limits), *contract_problems(flow, definition, contracts)]
    for problem in problems:
        rule = UNPUBLISHED if problem.severity == "error" else SURPRISING
        yield Hit(rule, flow.actions.get(problem.action), problem.message)
