"""The pool that `callpark auth token` mints for, in a folder of the test's own."""

from pathlib import Path

import pytest

from callpark.graphql.auth.local_pool import LocalPool


@pytest.fixture
def pool(tmp_path: Path) -> LocalPool:
    return LocalPool(tmp_path)
