"""A running functions slice on virtual time: memory store, plain environments, everything traced."""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from callpark.functions.api.operations import operations
from callpark.functions.model import (
    Directory,
    EventInvokeConfig,
    Function,
    FunctionConfiguration,
    FunctionDefinition,
    Invocation,
)
from callpark.functions.service import Functions
from callpark.functions.sources.ports import MessageSource
from callpark.functions.upstreams import Upstreams
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import LambdaLimits, Limits
from callpark.kernel.operations import Answer, Call, OperationTable
from callpark.kernel.trace import Trace
from callpark.store.memory import MemoryStore
from callpark.store.ports import Store
from tests.functions.plain_environments import Handler, PlainEnvironments

PLACE = Place()
H = TypeVar("H")


@dataclass(slots=True)
class Scene:
    clock: VirtualClock
    directory: Path
    store: Store
    environments: PlainEnvironments
    trace: Trace
    functions: Functions
    table: OperationTable
    start: float
    definitions: dict[str, FunctionDefinition] = field(default_factory=dict)

    async def declare(
        self,
        name: str,
        handler: Handler,
        *,
        config: EventInvokeConfig | None = None,
        reserved: int | None = None,
        configuration: FunctionConfiguration | None = None,
    ) -> list[str]:
        """Add a function to the project, or change it, and load the project again."""
        self.environments.handlers[name] = handler
        root = self.directory / "project" / name
        root.mkdir(parents=True, exist_ok=True)
        if not (root / "app.py").exists():
            (root / "app.py").write_text("def handler(event, context): ...\n")
        self.definitions[name] = FunctionDefinition(
            configuration=configuration or FunctionConfiguration(name, "python3.11", "app.handler"),
            code=Directory(root),
            event_invoke_config=config,
            reserved_concurrency=reserved,
        )
        return await self.functions.apply(tuple(self.definitions.values()))

    async def create(self, name: str, handler: Handler, files: Mapping[str, str] | None = None) -> Function:
        """Create a function through the service from a zip."""
        self.environments.handlers[name] = handler
        return await self.functions.administration.create_function(
            FunctionConfiguration(name, "python3.11", "app.handler"),
            zipped(files or {"app.py": "def handler(event, context): ...\n"}),
            tags={},
            inert={},
        )

    async def send(self, name: str, event: object = None, qualifier: str | None = None) -> str:
        payload = b"" if event is None else json.dumps(event).encode()
        return await self.clock.run_until(self.functions.invoke_event(Invocation(name, payload, qualifier)))

    async def call(self, operation: str, **parameters: object) -> dict[str, object]:
        """An AWS operation as the gateway calls it; the members of its answer."""
        request = Call("lambda", operation, parameters, "00000000-0000-4000-8000-000000000001", PLACE)
        answer = await self.clock.run_until(self.table["lambda", operation](request))
        return dict(answer.members if isinstance(answer, Answer) else answer)

    def happened(self, subject: str) -> list[object]:
        return [entry.happening for entry in self.trace.entries(subject)]

    def trace_of(self, kind: type[H]) -> list[H]:
        return [entry.happening for entry in self.trace.entries() if isinstance(entry.happening, kind)]

    def since_start(self) -> float:
        return round(self.clock.now() - self.start, 3)


async def opened(clock: VirtualClock, directory: Path, limits: LambdaLimits | None = None) -> Scene:
    store = MemoryStore(clock)
    return await opened_on(store, clock, directory, PlainEnvironments(clock), limits)


async def opened_on(
    store: Store,
    clock: VirtualClock,
    directory: Path,
    environments: PlainEnvironments,
    limits: LambdaLimits | None = None,
    definitions: Mapping[str, FunctionDefinition] | None = None,
    source: MessageSource | None = None,
    upstreams: Upstreams | None = None,
) -> Scene:
    """As after a restart, with what the store holds and the definitions the project brings."""
    trace = Trace(clock)
    functions = Functions(
        clock=clock,
        ids=SeededIds(1),
        trace=trace,
        limits=replace(Limits(), lambda_=limits or LambdaLimits()),
        place=PLACE,
        store=store,
        environments=environments,
        directory=directory,
        source=source,
        upstreams=upstreams,
    )
    scene = Scene(
        clock,
        directory,
        store,
        environments,
        trace,
        functions,
        operations(functions),
        clock.now(),
        dict(definitions or {}),
    )
    await functions.start()
    await functions.apply(tuple(scene.definitions.values()))
    return scene


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()
