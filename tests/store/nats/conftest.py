"""One server for all tests of this folder that only need one; each test has a namespace of its own."""

import itertools
from collections.abc import Iterator

import pytest

from callpark.store.nats.connection import Address
from tests.store.nats.servers import BINARY, Server, running

_NUMBERS = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def installed() -> None:
    if not BINARY.exists():
        pytest.skip("the extra `cluster` is not installed")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
def where(server: Server) -> Address:
    return Address((server.url,), f"t{next(_NUMBERS)}")
