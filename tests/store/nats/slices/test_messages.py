"""Amazon SQS: what becomes of messages."""

import pytest

from tests.queues.conftest import *  # noqa: F403
from tests.queues.test_messages import *  # noqa: F403

pytestmark = pytest.mark.process
