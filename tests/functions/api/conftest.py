"""What the tests of Lambda's operations share."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

from callpark.kernel.errors import CallerError
from tests.functions.scene import Scene, zipped

Refused: TypeAlias = Callable[..., Awaitable[CallerError]]

ZIP = zipped({"app.py": "def handler(event, context): return event\n"})
NEW: dict[str, object] = {
    "FunctionName": "f",
    "Runtime": "python3.12",
    "Role": "arn:aws:iam::123456789012:role/r",
    "Handler": "app.handler",
    "Code": {"ZipFile": ZIP},
}


@pytest.fixture
def refused(scene: Scene) -> Refused:
    async def refused(operation: str, **parameters: object) -> CallerError:
        with pytest.raises(CallerError) as refusal:
            await scene.call(operation, **parameters)
        return refusal.value

    return refused
