"""The local model's process, without weights, as every backend."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from callpark.kernel.clock import SystemClock
from callpark.kernel.limits import ModelLimits
from callpark.models.backends.local.model import LocalModel
from callpark.models.backends.local.worker import Options
from tests.models.backends.conformance import *  # noqa: F403
from tests.models.backends.local.test_local_model import FAKE, ROOT

pytestmark = pytest.mark.process


@dataclass
class _Given:
    backend: LocalModel
    most: int = 20
    embeds: bool = False


@pytest.fixture
async def given(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[_Given]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), str(ROOT)]))
    backend = LocalModel(f"{FAKE}:echoing", Options("", at_once=4), "fake", ModelLimits(), SystemClock())
    yield _Given(backend)
    await backend.close()
