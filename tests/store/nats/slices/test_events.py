"""Events of functions: the policy's machine and what is around it."""

import pytest

from tests.functions.conftest import *  # noqa: F403
from tests.functions.events.test_queue import *  # noqa: F403
from tests.functions.events.test_retries import *  # noqa: F403

pytestmark = pytest.mark.process
