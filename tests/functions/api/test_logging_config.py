"""LoggingConfig through the API: what is shown, merged and refused (lambda.md §15.3)."""

import pytest

from tests.functions.api.conftest import NEW, Refused
from tests.functions.scene import Scene

pytestmark = pytest.mark.sim

TEXT = {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"}


async def shown(scene: Scene) -> object:
    return (await scene.call("GetFunctionConfiguration", FunctionName="f"))["LoggingConfig"]


async def update(scene: Scene, **logging: str) -> object:
    await scene.call("UpdateFunctionConfiguration", FunctionName="f", LoggingConfig=logging)
    return await shown(scene)


async def test_levels_are_info_with_json_and_absent_with_text(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """(recorded)"""
    await scene.call("CreateFunction", **NEW)
    assert await shown(scene) == TEXT
    levels = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
    assert await update(scene, LogFormat="JSON") == {**TEXT, **levels, "LogFormat": "JSON"}
    changed = await update(scene, ApplicationLogLevel="ERROR", LogGroup="/mine")
    assert changed == {**levels, "LogFormat": "JSON", "ApplicationLogLevel": "ERROR", "LogGroup": "/mine"}
    assert await update(scene, LogFormat="Text") == {"LogFormat": "Text", "LogGroup": "/mine"}
    assert await update(scene, LogFormat="JSON") == {**levels, "LogFormat": "JSON", "LogGroup": "/mine"}
    assert not caplog.messages, "it is acted on"


@pytest.mark.parametrize("logging", [{"ApplicationLogLevel": "INFO"}, {"LogFormat": "Text", "SystemLogLevel": "WARN"}])
async def test_text_has_no_levels(scene: Scene, refused: Refused, logging: dict[str, str]) -> None:
    refusal = await refused("CreateFunction", **NEW, LoggingConfig=logging)
    assert (refusal.code, refusal.status) == ("InvalidParameterValueException", 400)
    assert refusal.message == (
        'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the '
        'LogFormat to "JSON" and try again.'
    )
