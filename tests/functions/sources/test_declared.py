"""Mappings that a project brings: new, changed, gone, and what is doubtful about them."""

import pytest

from callpark.functions.model import FunctionConfiguration
from callpark.functions.sources.model import SourceDefinition, SourceSettings
from callpark.kernel.errors import ProjectError
from tests.functions.sources.conftest import Fed

pytestmark = pytest.mark.sim

QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
ID = "00000000-0000-4000-8000-00000000000a"


async def bring(fed: Fed, *sources: SourceDefinition) -> list[str]:
    return await fed.scene.functions.apply(tuple(fed.scene.definitions.values()), (), sources)


def source(function: str = "f", batch_size: int = 10) -> SourceDefinition:
    return SourceDefinition(ID, QUEUE, function, SourceSettings(batch_size=batch_size))


async def given(fed: Fed, *bodies: str) -> list[list[str]]:
    """What runs when these messages are sent."""
    before = len(fed.scene.environments.runs)
    await fed.send("q", *bodies)
    await fed.clock.advance(1)
    return fed.bodies()[before:]


async def test_the_life_of_a_declared_mapping(fed: Fed) -> None:
    await fed.queue("q")
    await fed.scene.declare("f", lambda run: None)
    assert await bring(fed, source()) == []
    assert await given(fed, "a", "b") == [["a", "b"]]
    assert await bring(fed, source()) == []
    assert await given(fed, "c") == [["c"]], "an unchanged mapping goes on, once"
    assert await bring(fed, source(batch_size=1)) == []
    assert sorted(await given(fed, "d", "e")) == [["d"], ["e"]]
    assert await bring(fed) == []
    assert await given(fed, "f") == []
    assert await fed.scene.call("ListEventSourceMappings") == {"EventSourceMappings": []}


async def test_a_mapping_that_cannot_be_stops_the_project(fed: Fed) -> None:
    await fed.queue("q")
    await fed.scene.declare("f", lambda run: None)
    await bring(fed, source())
    with pytest.raises(ProjectError, match="Maximum batch window in seconds must be greater than 0"):
        await bring(fed, source(batch_size=11))
    assert await given(fed, "a") == [["a"]], "what was served stays"


async def test_a_queue_that_is_not_there_yet(fed: Fed) -> None:
    await fed.scene.declare("f", lambda run: None)
    (warning,) = await bring(fed, source())
    assert warning == f"the event source mapping of f: there is no queue {QUEUE} yet; the mapping waits for it"
    await fed.clock.advance(100)
    await fed.queue("q")
    assert await given(fed, "a") == [["a"]]


async def test_a_function_that_is_not_there(fed: Fed) -> None:
    await fed.queue("q")
    (warning,) = await bring(fed, source("none"))
    assert warning == "the event source mapping of none: there is no such function here; the mapping is left out"
    assert await fed.scene.call("ListEventSourceMappings") == {"EventSourceMappings": []}


async def test_what_aws_would_refuse_at_deployment(fed: Fed) -> None:
    await fed.queue("q", VisibilityTimeout="5")
    configuration = FunctionConfiguration("f", "python3.11", "app.handler", timeout_seconds=6)
    await fed.scene.declare("f", lambda run: None, configuration=configuration)
    (warning,) = await bring(fed, source())
    assert warning.endswith("Queue visibility timeout: 5 seconds is less than Function timeout: 6 seconds")
    assert await given(fed, "a") == [["a"]]


async def test_a_change_through_the_api_lasts_until_the_next_load(fed: Fed, caplog: pytest.LogCaptureFixture) -> None:
    await fed.queue("q")
    await fed.scene.declare("f", lambda run: None)
    await bring(fed, source())
    await fed.scene.call("UpdateEventSourceMapping", UUID=ID, Enabled=False)
    assert "belongs to the project: this change lasts until it is loaded again" in caplog.text
    caplog.clear()
    assert await given(fed, "a") == []
    await bring(fed, source())
    await fed.clock.advance(1)
    assert fed.bodies() == [["a"]]


async def test_mappings_of_the_api_stay_when_a_project_is_loaded(fed: Fed) -> None:
    await fed.queue("q")
    await fed.scene.declare("f", lambda run: None)
    await fed.map("q")
    await bring(fed)
    assert await given(fed, "a") == [["a"]]
