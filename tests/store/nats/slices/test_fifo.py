"""Amazon SQS: groups and duplicates of FIFO queues."""

import pytest

from tests.queues.conftest import *  # noqa: F403
from tests.queues.test_fifo import *  # noqa: F403

pytestmark = pytest.mark.process
