"""Contacts of Amazon Connect, from their start to their end and through restarts."""

import pytest

from tests.flows.test_service import *  # noqa: F403

pytestmark = pytest.mark.process

del test_many_parked_contacts_cost_little_and_all_wake  # noqa: F821  # measures memory, not the store
