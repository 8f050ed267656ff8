"""Connect's control plane over a store in memory and stub functions, called as the gateway calls it."""

from collections.abc import Mapping, Sequence
from typing import Any

from callpark.flows.api.control_operations import control_operations
from callpark.flows.api.throttling import throttled
from callpark.flows.control.plane import ControlPlane
from callpark.flows.model import FlowDefinition, InstanceDefinition, NumberDefinition
from callpark.gateway.codecs import operation_codec
from callpark.gateway.models import service_model
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import ConnectLimits
from callpark.kernel.operations import Call
from callpark.store.memory import MemoryStore
from tests.flows.building import INSTANCE, content, hang_up, say
from tests.flows.exchange import Finished, Office, Stub, takes

HELLO = content(say("hello", "Hello.", "bye"), hang_up())
OTHER = content(say("hello", "Something else.", "bye"), hang_up())
#: Refused by the service in these words.
BAD = content(say("hello", "", "bye"), hang_up())

Project = tuple[InstanceDefinition, Sequence[FlowDefinition], Sequence[NumberDefinition]]


class Scene:
    """One process of callpark with a project. `restarted()` is the next one with what the store kept."""

    def __init__(
        self,
        clock: VirtualClock,
        *,
        project: Project = (INSTANCE, (), ()),
        stubs: Mapping[str, Stub] | None = None,
        limits: ConnectLimits | None = None,
        store: MemoryStore | None = None,
        seed: int = 11,
    ) -> None:
        self.clock = clock
        self._project = project
        self._stubs = {"F": takes(0), "G": takes(0)} if stubs is None else stubs
        self._limits = limits or ConnectLimits()
        self._seed = seed
        self.office = Office(clock, [], self._stubs, store=store, limits=self._limits, seed=seed + 1)
        self.plane = ControlPlane(
            self.office.flows,
            self.office.store,
            clock=clock,
            ids=SeededIds(seed),
            limits=self._limits,
            place=Place(),
            functions=self.office.runner,
        )
        self._operations = throttled(control_operations(self.plane), clock, self.plane.limits)
        self.warnings: tuple[str, ...] = ()

    async def opened(self) -> "Scene":
        await self.plane.start()
        await self.load(*self._project)
        await self.office.flows.start()
        return self

    async def load(
        self,
        instance: InstanceDefinition = INSTANCE,
        flows: Sequence[FlowDefinition] = (),
        numbers: Sequence[NumberDefinition] = (),
    ) -> None:
        """The project, once more."""
        self._project = (instance, flows, numbers)
        self.warnings = await self.plane.apply(instance, flows, numbers)

    async def restarted(self) -> "Scene":
        store = self.office.store.crash()
        await self.office.flows.close()
        again = Scene(
            self.clock,
            project=self._project,
            stubs=self._stubs,
            limits=self._limits,
            store=store,
            seed=self._seed + 100,
        )
        return await again.opened()

    async def call(self, operation: str, **parameters: object) -> Any:  # AWS's answers, looked into by tests
        """Checked as the gateway checks. Raises CallerError. `InstanceId` is the instance's unless it is given."""
        codec = operation_codec("connect", operation, "rest-json")
        shape = service_model("connect").operation_model(operation).input_shape
        if shape is not None and "InstanceId" in shape.members:
            parameters = {"InstanceId": self.plane.instance_id, **parameters}
        codec.validate(parameters)
        return await self._operations["connect", operation](Call("connect", operation, parameters, "request", Place()))

    async def flow(self, name: str = "Hello", content: str = HELLO, **parameters: object) -> str:
        """The id of a new flow."""
        given = {"Name": name, "Type": "CONTACT_FLOW", "Content": content, **parameters}
        return str((await self.call("CreateContactFlow", **given))["ContactFlowId"])

    async def heard(self, to: str) -> list[str]:
        """What a caller of a number or flow hears."""
        finished: Finished = await self.office.call(to=to)
        return finished.heard
