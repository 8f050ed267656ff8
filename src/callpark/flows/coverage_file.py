"""The file in which calls note which edges they took, so that several of them add up. Pure: JSON in, JSON out.

Written by `callpark call --coverage FILE`, read by `callpark flow coverage FILE…`. It holds every edge of the flows, so
nobody needs the flows to read it.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from callpark.flows.coverage import FlowEdge, coverage
from callpark.flows.language import Action, Flow
from callpark.kernel.errors import ProjectError

VERSION = 1


class Branch(msgspec.Struct, frozen=True, order=True):
    """An edge for people: the block and its type, the branch (`NextAction`, `Equals 1`, `error InProgress`), and where
    it leads. `key` is the edge's name in the engine."""

    block: str
    key: str
    type: str
    branch: str
    target: str


class FlowCoverage(msgspec.Struct, frozen=True):
    """What calls took of one flow. `calls`: those that came through it."""

    name: str
    arn: str
    taken: tuple[Branch, ...]
    missing: tuple[Branch, ...]
    calls: int = 0

    @property
    def percent(self) -> float:
        every = len(self.taken) + len(self.missing)
        return 100.0 if every == 0 else round(100.0 * len(self.taken) / every, 1)


class CoverageFile(msgspec.Struct, frozen=True):
    """Flows by ARN, in the order in which they were first met."""

    version: int = VERSION
    flows: tuple[FlowCoverage, ...] = ()


def recorded(flows: Iterable[Flow], happenings: Sequence[object]) -> CoverageFile:
    """What one call took. Flows that it did not come through are there with nothing taken."""
    return CoverageFile(flows=tuple(_recorded(flow, happenings) for flow in flows))


def _recorded(flow: Flow, happenings: Sequence[object]) -> FlowCoverage:
    found = coverage(flow, happenings)
    entered = any(getattr(happening, "flow", None) == flow.name for happening in happenings)
    return FlowCoverage(
        flow.name,
        flow.arn,
        tuple(sorted(_branch(flow.actions[edge.action], edge) for edge in found.taken)),
        tuple(sorted(_branch(flow.actions[edge.action], edge) for edge in found.missing)),
        calls=int(entered),
    )


def _branch(action: Action, edge: FlowEdge) -> Branch:
    told = edge.name
    if edge.name.startswith("condition "):
        condition = action.conditions[int(edge.name.removeprefix("condition "))]
        told = f"{condition.operator} {' '.join(condition.operands)}"
    return Branch(action.identifier, edge.name, action.type, told, edge.target)


def merged(files: Sequence[CoverageFile]) -> CoverageFile:
    """All calls together. A flow that has changed meanwhile is as the last file has it; what was taken of it before
    counts as far as the edge is still there."""
    found: dict[str, FlowCoverage] = {}
    for flow in (flow for file in files for flow in file.flows):
        before = found.get(flow.arn)
        found[flow.arn] = flow if before is None else _together(before, flow)
    return CoverageFile(flows=tuple(found.values()))


def _together(before: FlowCoverage, now: FlowCoverage) -> FlowCoverage:
    every = {*now.taken, *now.missing}
    taken = {*now.taken, *before.taken} & every
    return FlowCoverage(
        now.name, now.arn, tuple(sorted(taken)), tuple(sorted(every - taken)), calls=before.calls + now.calls
    )


def read_coverage(text: bytes, name: str) -> CoverageFile:
    """Raises ProjectError for what is no such file."""
    try:
        file = msgspec.json.decode(text, type=CoverageFile)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ProjectError(
            f"{name} is no coverage file: {error}", "make one with `callpark call … --coverage FILE`"
        ) from None
    if file.version != VERSION:
        raise ProjectError(f"{name} is a coverage file of version {file.version}", "make it again with this callpark")
    return file


def summary(file: CoverageFile) -> Mapping[str, object]:
    """For scripts: percent per flow and in all, and what was not taken."""
    taken = sum(len(flow.taken) for flow in file.flows)
    every = taken + sum(len(flow.missing) for flow in file.flows)
    return {
        "percent": 100.0 if every == 0 else round(100.0 * taken / every, 1),
        "flows": [
            {
                "flow": flow.name,
                "arn": flow.arn,
                "percent": flow.percent,
                "taken": len(flow.taken),
                "edges": len(flow.taken) + len(flow.missing),
                "calls": flow.calls,
                "missing": [msgspec.to_builtins(branch) for branch in flow.missing],
            }
            for flow in file.flows
        ],
    }
