"""The small real model for test modules: one process for each module, on one loop."""

from collections.abc import AsyncIterator

import pytest

from callpark.kernel.clock import SystemClock
from callpark.kernel.limits import ModelLimits
from callpark.models.backends.local.model import LLAMA, LocalModel
from callpark.models.backends.local.worker import Options
from callpark.models.installed import SMOLLM2, runnable

INSTALLED = [
    pytest.mark.process,
    pytest.mark.timeout(300),  # it computes, beside whatever else the machine does
    pytest.mark.skipif(runnable(SMOLLM2) is None, reason=f"`{SMOLLM2.pulled_by}` installs the model"),
]
CONTEXT = 256


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="module")
async def smollm2() -> AsyncIterator[LocalModel]:
    options = Options(str(runnable(SMOLLM2)), at_once=2, context=CONTEXT, threads=1)
    model = LocalModel(LLAMA, options, "SmolLM2", ModelLimits(load_seconds=240, silence_seconds=240), SystemClock())
    yield model
    await model.close()
