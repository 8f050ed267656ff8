"""The composition root: all slices take a project or none does, a reload that fails changes nothing, health's shape."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest

from callpark.app import App
from callpark.flows.model import FlowDefinition
from callpark.kernel.errors import ProjectError
from callpark.projects.load import load_project
from callpark.projects.model import Project
from callpark.serving import served
from callpark.settings import Settings
from tests.functions.plain_environments import PlainEnvironments

pytestmark = pytest.mark.process

EXAMPLES = Path(__file__).parents[1] / "examples"


@dataclass
class Disk:
    """What a project's folder holds, as a reload reads it."""

    project: Project
    readings: list[Project] = field(default_factory=list)

    def read(self) -> Project:
        self.readings.append(self.project)
        return self.project


def story() -> Project:
    settings = Settings(data=Path())
    return load_project(
        EXAMPLES / "story-stream",
        place=settings.place,
        base_url="http://127.0.0.1",
        parameters={},
        limits=settings.limits,
    )


def plain(app: App) -> PlainEnvironments:
    return PlainEnvironments(app.clock, {"Narrator": lambda run: "told"})


FUNCTIONS = ["CancelStory", "Narrator", "StoryFailed"]


def names(app: App) -> tuple[list[str], list[str], list[str]]:
    health = app.health()
    return health.functions, [api.name for api in health.apis], [flow.name for flow in health.flows]


BROKEN = FlowDefinition("Broken", "arn:aws:connect:us-east-1:123456789012:instance/i/contact-flow/f", "{}")


async def test_a_reload_that_fails_changes_nothing(tmp_path: Path) -> None:
    disk = Disk(story())
    async with served(Settings(data=tmp_path, port=0), disk.read, environments=plain) as app:
        assert names(app) == (FUNCTIONS, ["story"], [])

        for broken in (
            replace(disk.project, functions=(), apis=(), flows=(BROKEN,)),
            replace(
                disk.project, functions=(), apis=tuple(replace(api, schema="type Query {") for api in disk.project.apis)
            ),
        ):
            disk.project = broken
            with pytest.raises(ProjectError):
                await app.deployment.reload()
            assert names(app) == (FUNCTIONS, ["story"], [])
            (api,) = app.health().apis
            async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
                answer = await client.post(
                    api.graphql_url,
                    json={"query": 'mutation { tellStory(prompt: "a") }'},
                    headers={"x-api-key": api.api_key or ""},
                )
            assert answer.json() == {"data": {"tellStory": "OK"}}

        disk.project = replace(story(), apis=())
        await app.deployment.reload()
        assert names(app) == (FUNCTIONS, [], [])
        disk.project = replace(story(), functions=(), apis=())
        await app.deployment.reload()
        assert names(app) == ([], [], [])
    assert len(disk.readings) == 5


async def test_a_project_that_cannot_be_served_at_the_start_is_not(tmp_path: Path) -> None:
    disk = Disk(replace(story(), flows=(BROKEN,)))
    settings = Settings(data=tmp_path, port=0)
    with pytest.raises(ProjectError, match="Broken"):
        async with served(settings, disk.read, environments=plain):
            raise AssertionError("not served")
    async with served(settings, story, environments=plain) as app:  # the port and the folder are free again
        assert names(app) == (FUNCTIONS, ["story"], [])


async def test_without_a_project(tmp_path: Path) -> None:
    async with served(Settings(data=tmp_path, port=0), environments=plain) as app:
        await app.deployment.reload()
        assert names(app) == ([], [], [])


async def test_health(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, port=0)
    async with (
        served(settings, EXAMPLES / "story-stream", environments=plain) as app,
        httpx.AsyncClient(trust_env=False, timeout=30) as client,
    ):
        response = await client.get(f"{app.base_url}/_callpark/health")
        health = response.json()
        (api,) = health["apis"]
        assert (response.status_code, list(api)) == (200, ["name", "id", "graphql_url", "realtime_url", "api_key"])
        assert api["graphql_url"] == f"{app.base_url}/apis/{api['id']}/graphql"
        assert api["realtime_url"] == f"{app.base_url}/apis/{api['id']}/graphql/realtime".replace("http", "ws")
        assert api["api_key"].startswith("da2-")
        assert health == {
            "certificate": None,
            "event_apis": [],
            "status": "ready",
            "region": "us-east-1",
            "account": "123456789012",
            "functions": FUNCTIONS,
            "function_urls": {},
            "apis": [api],
            "flows": [],
            "queues": [],
            "upstreams": [{"service": "all", "server": "moto, when it is first needed"}],
        }
    async with served(settings, EXAMPLES / "payment-line", environments=plain) as app:
        flows = json.loads(json.dumps(app.health().flows, default=lambda flow: [flow.name, flow.numbers]))
        assert flows == [["PaymentLine", ["+441632960000"]]]
