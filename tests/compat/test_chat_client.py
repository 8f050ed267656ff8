"""amazon-connect-chatjs from npm, unmodified, against a served chat flow."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.compat.driving import Driver, driver, needs_node
from tests.flows.building import action, hang_up
from tests.flows.chat.chatting import ECHO, Client, chat_server, ended

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


async def test_a_page_with_files_and_views(tmp_path: Path) -> None:
    """A chat that goes on from an earlier one; a view described; a file sent, seen and fetched, another refused."""
    errors = {"NoMatchingCondition": "bye", "NoMatchingError": "bye", "TimeLimitExceeded": "bye"}
    shown = {"ViewResource": {"Id": "arn:aws:connect:us-east-1:aws:view/form:1"}, "ViewData": {"title": "Which?"}}
    show = action("show", "ShowView", shown, "bye", errors=errors, when={"Next": "bye"})
    async with chat_server(tmp_path, show, hang_up()) as app:
        client = Client(app)
        first = await client.start()
        connection = await client.connection(first["ParticipantToken"], "CONNECTION_CREDENTIALS")
        token = connection["ConnectionCredentials"]["ConnectionToken"]
        await client.participant("disconnect_participant", ConnectionToken=token)
        await ended(app, first["ContactId"])
        past = {"RehydrationType": "ENTIRE_PAST_SESSION", "SourceContactId": first["ContactId"]}
        begun = await client.start(PersistentChat=past)
        async with driver("chat_files.mjs", {"ENDPOINT": app.base_url, "CHAT": json.dumps(begun)}) as customer:
            assert await next_line(customer) == ("rehydrated", None)
            assert await next_line(customer) == ("view", ["form", []])
            assert await next_line(customer) == ("attachment", ["note.txt", "text/plain", "APPROVED"])
            assert await next_line(customer) == ("content", "hello Connect")
            assert await next_line(customer) == ("url", True)
            assert await next_line(customer) == ("refused", "ValidationException")
            assert await next_line(customer) == ("ended", None)
