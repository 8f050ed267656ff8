"""A Connect instance: which flow answers which number, which flows there are, which functions they may call.

An `Instance` is one frozen state of a project; `service.py` swaps it whole on reload, and a contact keeps the one it
started with. `Surroundings` is an instance together with what may be called now: the engine's World.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from callpark.flows.agents.routing import QueueMetrics
from callpark.flows.channels.voice import hear
from callpark.flows.chat import transcript
from callpark.flows.contact import Contact, Target
from callpark.flows.contracts import contract_problems, contracts_of
from callpark.flows.declared import Case, Profile
from callpark.flows.defaults import DEFAULT_FLOWS
from callpark.flows.engine import compiled
from callpark.flows.language import parse_flow
from callpark.flows.ledger import Ledger
from callpark.flows.logs import FUNCTION_FORBIDDEN
from callpark.flows.model import FlowDefinition, InstanceDefinition, NumberDefinition
from callpark.flows.placement import MODULE
from callpark.flows.ports import FunctionRunner
from callpark.flows.problems import Problem
from callpark.flows.program import Program
from callpark.flows.prompts import BadPrompt, Prompt
from callpark.flows.resources import NO_RESOURCES, Resources, build_resources, look_up
from callpark.flows.validate import validate
from callpark.flows.world import Heard, Refusal
from callpark.kernel.arn import Place, function_name
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import ConnectLimits

#: Flows, of this instance and of those before a change.
_PREPARED = 1_024


@dataclass(frozen=True, slots=True)
class Instance:
    """Programs by ARN, id and name; numbers in E.164 with the ARN of their flow."""

    definition: InstanceDefinition
    programs: Mapping[str, Program]
    ids: Mapping[str, str]
    names: Mapping[str, str]
    numbers: Mapping[str, str | None]
    modules: Mapping[str, Program] = field(default_factory=dict)
    resources: Resources = NO_RESOURCES

    def flow(self, reference: str) -> Program | None:
        """By ARN or id, with or without a version, an alias, or a `:$LATEST`-like suffix."""
        reference = reference.removesuffix(":$LATEST").removesuffix(":$SAVED")
        program = self.programs.get(reference)
        if program is None:
            program = self.programs.get(self.ids.get(reference.rsplit("/", 1)[-1], ""))
        return default_programs().get(reference) if program is None else program

    def module(self, reference: str) -> Program | None:
        """By ARN, id or name, with or without a version or alias."""
        program = self.modules.get(reference)
        if program is None:
            program = self.modules.get(reference.rsplit("/", 1)[-1].partition(":")[0])
        return program

    def any(self, arn: str) -> Program | None:
        """A flow or a module by its ARN."""
        return self.flow(arn) or self.module(arn)

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

    def going_on_in(self, contact: Contact) -> Program | None:
        """Where a saved contact goes on; None when a place in which it stands, or comes back to, is gone."""
        program = self.any(contact.flow_arn)
        if program is None or contact.position not in program.steps:
            return None
        arns = [*(frame.flow_arn for frame in contact.frames), contact.flow_arn]
        places = [(frame.flow_arn, frame.action) for frame in contact.frames]
        if contact.wait is not None:
            places.append((arns[contact.wait.depth], contact.wait.action))
        programs = [(self.any(arn), action) for arn, action in places]
        return program if all(found is not None and action in found.steps for found, action in programs) else None


@functools.cache
def default_programs() -> Mapping[str, Program]:
    """Connect's own default flows, compiled when the first contact needs one."""
    return {flow.arn: compiled(parse_flow(flow)) for flow in DEFAULT_FLOWS}


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
    modules: dict[str, Program] = {}
    warnings: list[str] = []
    contracts = contracts_of(flows)
    for flow_definition in flows:
        program, found = _prepared(flow_definition, limits)
        flow = program.flow
        problems = [*found, *contract_problems(flow, flow_definition, contracts)]
        if definition.strict:
            _refuse(flow_definition, problems)
        warnings += [f"flow {flow.name}: {problem}" for problem in problems]
        if flow.type == MODULE:
            modules |= {flow.arn: program, flow.id: program, flow.name: program}
        else:
            programs[flow.arn] = program
    instance = Instance(
        definition,
        programs,
        ids={program.flow.id: arn for arn, program in programs.items()},
        names={program.flow.name: arn for arn, program in programs.items()},
        numbers={number.number: number.flow_arn for number in numbers},
        modules=modules,
        resources=build_resources(definition.declared),
    )
    for number in numbers:
        if number.flow_arn is not None and instance.flow(number.flow_arn) is None:
            warnings.append(f"number {number.number} is answered by a flow that is not there: {number.flow_arn}")
    return instance, tuple(warnings)


@functools.lru_cache(maxsize=_PREPARED)
def _prepared(definition: FlowDefinition, limits: ConnectLimits) -> tuple[Program, tuple[Problem, ...]]:
    """A flow and what is wrong with it by itself. The instance is built anew with every change, its flows are not."""
    flow = parse_flow(definition)
    return compiled(flow), tuple(validate(flow, limits))


def _refuse(definition: FlowDefinition, problems: Sequence[Problem]) -> None:
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise ProjectError(
            f"flow {definition.name} cannot be published: {errors[0]}{more}",
            "correct the flow, or leave strict mode to run what can run",
        )


def _unqualified(function_arn: str) -> str:
    """Whoever associates a function associates its versions and aliases (our rule)."""
    return ":".join(function_arn.split(":")[:7])


@dataclass(frozen=True, slots=True)
class Surroundings:
    """An instance, the functions of this machine, and the limits: what a contact finds around it."""

    instance: Instance
    limits: ConnectLimits
    place: Place
    functions: FunctionRunner
    queues: Callable[[Target], QueueMetrics]
    ledger: Ledger
    open_contacts: Callable[[], int] = lambda: 0
    contact: Callable[[str], Contact | None] = lambda contact_id: None
    measured: Mapping[str, QueueMetrics] = field(default_factory=dict)
    """For this turn, by the ARNs of queues that are elsewhere."""

    @property
    def room(self) -> int:
        return self.limits.calls - self.open_contacts()

    @property
    def resources(self) -> Resources:
        return self.instance.resources

    @property
    def profiles(self) -> Mapping[str, Profile] | None:
        return self.ledger.profiles

    @property
    def cases(self) -> Mapping[str, Case] | None:
        return self.ledger.cases

    def module(self, reference: str) -> Program | None:
        return self.instance.module(reference)

    def metrics(self, target: Target) -> QueueMetrics:
        return self.measured.get(target.arn) or self.queues(target)

    def bot_function(self, name: str) -> str | Refusal:
        return self._local(name if name.startswith("arn:") else self.place.arn("lambda", f"function:{name}"))

    def flow(self, reference: str) -> Program | None:
        return self.instance.flow(reference)

    def transcripts(self, contact_id: str) -> tuple[str, ...] | None:
        return transcript.chain(self.contact(contact_id))

    def function(self, arn: str) -> str | Refusal:
        """The local function of that ARN, else the one of the same name: exported flows name other accounts."""
        local = self._local(arn)
        if isinstance(local, Refusal):
            return local
        definition = self.instance.definition
        named = {arn, local, _unqualified(arn), _unqualified(local)}
        everybody = definition.all_functions and not definition.strict
        if everybody or not named.isdisjoint(definition.function_arns):
            return local
        return Refusal(
            f"{FUNCTION_FORBIDDEN} ({arn} is not associated with the instance: add an "
            "AWS::Connect::IntegrationAssociation, or name it under `functions:` in connect.yaml)"
        )

    def hear(self, prompt: Prompt) -> Heard:
        """Recordings last as long as they are declared to; with any declared, others are not found."""
        prompts = self.instance.resources.prompts
        if prompt.kind != "recording" or not prompts:
            return hear(prompt, self.limits)
        recording = look_up(prompts, prompt.content.removeprefix("PROMPT#"))
        if recording is None and not prompt.content.startswith("s3:") and "." not in prompt.content.rsplit("/", 1)[-1]:
            raise BadPrompt(f"there is no prompt {prompt.content!r}: declare it under `prompts:` in connect.yaml")
        heard = hear(prompt, self.limits)
        if recording is None:
            return heard
        text = heard.text if recording.text is None else recording.text
        return Heard(text, max(1, len(text.split())), recording.seconds or heard.seconds)

    def _local(self, arn: str) -> str | Refusal:
        refusal = self.functions.refusal(arn)
        if refusal is None:
            return arn
        name = function_name(arn)
        local = None if name is None else self.place.arn("lambda", f"function:{name}")
        if local is None or local == arn:
            return Refusal(refusal)
        refused = self.functions.refusal(local)
        if refused is None:
            return local
        return Refusal(refused if refused.startswith(FUNCTION_FORBIDDEN) else refusal)
