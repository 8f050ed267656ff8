"""A Connect instance: which flow answers which number, which flows there are, which functions they may call.

An `Instance` is one frozen state of a project; `service.py` swaps it whole on reload, and a contact keeps the one it
started with. `Surroundings` is an instance together with what may be called now: the engine's World.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from callpark.flows.channels.voice import hear
from callpark.flows.engine import compiled
from callpark.flows.language import parse_flow
from callpark.flows.logs import FUNCTION_FORBIDDEN
from callpark.flows.model import FlowDefinition, InstanceDefinition, NumberDefinition
from callpark.flows.ports import FunctionRunner
from callpark.flows.program import Program
from callpark.flows.prompts import Prompt
from callpark.flows.turn import Heard, Refusal
from callpark.flows.validate import Problem, validate
from callpark.kernel.arn import Place, function_name
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ConnectLimits


@dataclass(frozen=True, slots=True)
class Instance:
    """Programs by ARN, id and name; numbers in E.164 with the ARN of their flow."""

    definition: InstanceDefinition
    programs: Mapping[str, Program]
    ids: Mapping[str, str]
    names: Mapping[str, str]
    numbers: Mapping[str, str | None]

    def flow(self, reference: str) -> Program | None:
        """By ARN, with or without a `:$LATEST`-like suffix, or by id."""
        reference = reference.removesuffix(":$LATEST").removesuffix(":$SAVED")
        program = self.programs.get(reference)
        if program is None:
            program = self.programs.get(self.ids.get(reference.rsplit("/", 1)[-1], ""))
        return program

    def answering(self, number_or_flow: str) -> Program:
        """The program that answers a number, or the flow of that name, id or ARN. Raises ProjectError."""
        if number_or_flow in self.numbers:
            arn = self.numbers[number_or_flow]
            program = None if arn is None else self.flow(arn)
            if program is None:
                raise ProjectError(f"nobody answers {number_or_flow}", "associate the number with a contact flow")
            return program
        program = self.flow(self.names.get(number_or_flow, number_or_flow))
        if program is None:
            known = ", ".join([*sorted(self.numbers), *sorted(self.names)]) or "nothing yet"
            raise ProjectError(f"no number and no flow is called {number_or_flow!r}", f"there is: {known}")
        return program


NOTHING = Instance(InstanceDefinition(arn=""), {}, {}, {}, {})


def build_instance(
    definition: InstanceDefinition,
    flows: Sequence[FlowDefinition],
    numbers: Sequence[NumberDefinition],
    limits: ConnectLimits,
) -> tuple[Instance, tuple[str, ...]]:
    """Parse, validate and compile everything. Returns the instance and warnings; raises ProjectError for a flow that
    cannot run, in a strict instance also for one that AWS would refuse to publish."""
    programs: dict[str, Program] = {}
    warnings: list[str] = []
    for flow_definition in flows:
        flow = parse_flow(flow_definition)
        problems = validate(flow, limits)
        if definition.strict:
            _refuse(flow_definition, problems)
        warnings += [f"flow {flow.name}: {problem}" for problem in problems]
        programs[flow.arn] = compiled(flow)
    instance = Instance(
        definition,
        programs,
        ids={program.flow.id: arn for arn, program in programs.items()},
        names={program.flow.name: arn for arn, program in programs.items()},
        numbers={number.number: number.flow_arn for number in numbers},
    )
    for number in numbers:
        if number.flow_arn is not None and instance.flow(number.flow_arn) is None:
            warnings.append(f"number {number.number} is answered by a flow that is not there: {number.flow_arn}")
    return instance, tuple(warnings)


def _refuse(definition: FlowDefinition, problems: Sequence[Problem]) -> None:
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise ProjectError(
            f"flow {definition.name} cannot be published: {errors[0]}{more}",
            "correct the flow, or leave strict mode to run what can run",
        )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """An instance, the functions of this machine, and the limits: what a contact finds around it."""

    instance: Instance
    limits: ConnectLimits
    place: Place
    functions: FunctionRunner

    def flow(self, reference: str) -> Program | None:
        return self.instance.flow(reference)

    def function(self, arn: str) -> str | Refusal:
        """The local function of that ARN, else the one of the same name: exported flows name other accounts."""
        local = self._local(arn)
        if isinstance(local, Refusal):
            return local
        definition = self.instance.definition
        if definition.all_functions or arn in definition.function_arns or local in definition.function_arns:
            return local
        return Refusal(f"{FUNCTION_FORBIDDEN} (the function is not associated with the instance)")

    def hear(self, prompt: Prompt) -> Heard:
        return hear(prompt, self.limits)

    def _local(self, arn: str) -> str | Refusal:
        refusal = self.functions.refusal(arn)
        if refusal is None:
            return arn
        name = function_name(arn)
        local = None if name is None else self.place.arn("lambda", f"function:{name}")
        if local is None or local == arn or self.functions.refusal(local) is not None:
            return Refusal(refusal)
        return local
