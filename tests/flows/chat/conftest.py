"""A server with a chat flow, and a client of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.flows.chat.chatting import ECHO, Client, chat_server


@pytest.fixture
async def chats(tmp_path: Path) -> AsyncIterator[Client]:
    async with chat_server(tmp_path, *ECHO) as app:
        yield Client(app)
