"""The small real model, when it is installed, as every backend."""

from dataclasses import dataclass

import pytest

from callpark.models.backends.local.model import LocalModel
from tests.models.backends.conformance import *  # noqa: F403
from tests.models.backends.local.weights import INSTALLED, anyio_backend, smollm2

__all__ = ["anyio_backend", "smollm2"]

pytestmark = INSTALLED


@dataclass
class _Given:
    backend: LocalModel
    most: int = 8
    embeds: bool = False


@pytest.fixture
def given(smollm2: LocalModel) -> _Given:
    return _Given(smollm2)
