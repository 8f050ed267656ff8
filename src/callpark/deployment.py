"""The project that is served: every service takes what is its own of it, or none does.

Made by `app.py`; `cli/reloading.py` asks for the project to be read again.
"""

import asyncio
import dataclasses
from pathlib import Path

from callpark.adapters import wanted
from callpark.flows.control.plane import ControlPlane as ConnectControlPlane
from callpark.flows.model import InstanceDefinition
from callpark.functions.service import Functions
from callpark.graphql.channels.control.plane import EventControlPlane
from callpark.graphql.control.plane import ControlPlane
from callpark.kernel.errors import ProjectError
from callpark.logs.service import Logs
from callpark.models.making import Making
from callpark.models.service import Models
from callpark.projects.model import Project
from callpark.projects.stored import fetched
from callpark.queues.service import Queues
from callpark.settings import Settings, Source
from callpark.upstreams.calls import Upstreams
from callpark.upstreams.fallback import installed as fallback_installed


def _nothing() -> Project:
    """What is served without a project. Functions that a former project declared are gone with it."""
    return Project(name="", root=Path())


class Deployment:
    """`project` is what is served now, `warnings` what it declares and callpark does not act on, one line each. `alone`
    is whether this is the only node."""

    def __init__(
        self,
        settings: Settings,
        *,
        upstreams: Upstreams,
        models: Models,
        making: Making,
        connect: ConnectControlPlane,
        apis: ControlPlane,
        event_apis: EventControlPlane,
        queues: Queues,
        logs: Logs,
        functions: Functions,
        alone: bool,
    ) -> None:
        self.project: Project | None = None
        self._source: Source = _nothing
        self.warnings: list[str] = []
        self._settings = settings
        self._upstreams = upstreams
        self._models = models
        self._making = making
        self._connect = connect
        self._apis = apis
        self._event_apis = event_apis
        self._queues = queues
        self._logs = logs
        self._functions = functions
        self._alone = alone

    @property
    def instance(self) -> InstanceDefinition:
        """The Connect instance: the project's, or the one that is there anyway."""
        return self._instance_of(self.project)

    @property
    def instance_alias(self) -> str:
        """What CloudWatch's metrics of Connect call it."""
        return self.instance.alias or "callpark"

    @property
    def watched(self) -> tuple[Path, ...]:
        """Files and folders whose change may change the project."""
        return () if self.project is None else self.project.watched

    def read(self, source: Source | None) -> asyncio.Future[Project]:
        """What `source` reads, at once and in a thread of its own; `reload` asks the same source again."""
        self._source = source or _nothing
        return asyncio.ensure_future(asyncio.to_thread(self._source))

    async def reload(self) -> None:
        """Read the project again and serve it; what was served stays when it cannot be. Raises ProjectError."""
        await self.serve(await asyncio.to_thread(self._source))

    async def serve(self, project: Project) -> None:
        """All slices take the project, or none does. Raises ProjectError."""
        project = await fetched(project, self._upstreams, self._settings.limits.lambda_)
        before = self.project
        try:
            warnings = await self._apply(project)
        except ProjectError:
            if before is not None:
                await self._apply(before)
            raise
        self.project = project
        self.warnings = [*project.warnings, *warnings]

    async def _apply(self, project: Project) -> list[str]:
        """The slices that only check and swap come first; functions, whose change is durable, last."""
        catalogue = self._making.catalogue(project.models)
        instance = dataclasses.replace(self._instance_of(project), strict=self._settings.strict)
        warnings = [*await self._connect.apply(instance, project.flows, project.numbers)]
        warnings += await self._apis.apply(project.apis)
        warnings += await self._event_apis.apply(project.event_apis)
        warnings += await self._queues.apply(project.queues)
        warnings += await self._logs.apply(project.log_groups)
        warnings += await self._functions.apply(project.functions, project.layers, project.sources)
        warnings += self._models.serve(catalogue)
        warnings += self._upstreams.want([wanted(resource) for resource in project.foreign])
        if not self._alone and project.foreign and fallback_installed():
            warnings.append(
                "each node has a fallback (moto) of its own; name one emulator for all with --upstream all=…"
            )
        return warnings

    def _instance_of(self, project: Project | None) -> InstanceDefinition:
        declared = None if project is None else project.instance
        return declared or InstanceDefinition(arn=self._settings.place.arn("connect", "instance/callpark"))
