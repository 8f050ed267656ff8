"""amazon-connect-chatjs from npm, unmodified, against a served chat flow."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.compat.driving import Driver, driver, needs_node
from tests.flows.chat.chatting import ECHO, Client, chat_server

pytestmark = [pytest.mark.compat, needs_node]


async def next_line(customer: Driver) -> tuple[str, Any]:
    what, value = json.loads(await customer.line())
    return what, value


async def test_a_customers_page(tmp_path: Path) -> None:
    """Connect, send, receive, typing, receipts, transcript; a dropped socket loses and repeats nothing; disconnect."""
    async with chat_server(tmp_path, *ECHO) as app:
        client = Client(app)
        begun = await client.start()
        async with driver("chat.mjs", {"ENDPOINT": app.base_url, "CHAT": json.dumps(begun)}) as customer:
            assert await next_line(customer) == ("connected", True)
            assert await next_line(customer) == ("transcript", ["Hello.", "one", "Answer."])
            assert await next_line(customer) == ("lost", None)
            own = await client.connection(begun["ParticipantToken"], "CONNECTION_CREDENTIALS")
            await client.say(own["ConnectionCredentials"]["ConnectionToken"], "while away")
            await customer.go()
            assert await next_line(customer) == ("missed", ["while away", "Answer."])
            assert await next_line(customer) == ("repeated", 0)
            assert await next_line(customer) == ("receipts", 1)
            assert await next_line(customer) == ("ended", None)
        contact = app.flows.contact(begun["ContactId"])
        assert contact is not None
        assert contact.ended is not None
        assert contact.ended.reason == "CUSTOMER_DISCONNECT"
