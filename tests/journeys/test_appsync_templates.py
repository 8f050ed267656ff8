"""AppSync apps run from their templates unchanged: CDK's output with mapping templates and JavaScript pipelines, and a
SAM GraphQLApi. Their tables are the fallback's."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest

from callpark.app import App
from callpark.serving import served
from callpark.settings import Settings

pytestmark = pytest.mark.process

APPS = Path(__file__).parent / "apps"
Ask: TypeAlias = Callable[..., Awaitable[Any]]


def asking(app: App, client: httpx.AsyncClient) -> Ask:
    """Ask the project's API at the URL and with the key that its outputs say."""
    assert app.deployment.project is not None
    outputs = app.deployment.project.outputs

    async def ask(query: str, **variables: object) -> Any:
        body = {"query": query, "variables": variables}
        answer = await client.post(outputs["Url"], json=body, headers={"x-api-key": outputs["Key"]})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


async def test_notes_of_cdk(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", port=0)
    async with served(settings, APPS / "notes") as app, httpx.AsyncClient(timeout=30) as client:
        ask = asking(app, client)
        assert await ask("{ notes { id } }") == {"data": {"notes": []}}
        add = "mutation ($input: NoteInput!) { add(input: $input) { id title slug } }"
        made = (await ask(add, input={"title": "Buy More Milk"}))["data"]["add"]
        assert (made["title"], made["slug"]) == ("Buy More Milk", "buy-more-milk")
        await ask(add, input={"title": "other"})
        note = "query ($id: ID!) { note(id: $id) { id title slug } }"
        assert await ask(note, id=made["id"]) == {"data": {"note": made}}
        assert await ask(note, id="gone") == {"data": {"note": None}}
        rename = "mutation ($id: ID!, $title: String!) { rename(id: $id, title: $title) { title slug } }"
        assert await ask(rename, id=made["id"], title="Tea Too") == {
            "data": {"rename": {"title": "Tea Too", "slug": "tea-too"}}
        }
        (error,) = (await ask(rename, id=made["id"], title=" "))["errors"]
        assert (error["errorType"], error["message"]) == ("Invalid", "A note needs a title")
        (error,) = (await ask(rename, id="gone", title="x"))["errors"]
        assert error["errorType"] == "DynamoDB:ConditionalCheckFailedException"
        assert await ask('{ titled(title: "Tea Too") { id } }') == {"data": {"titled": [{"id": made["id"]}]}}
        assert len((await ask("{ notes { id } }"))["data"]["notes"]) == 2
        assert await ask("{ place }") == {"data": {"place": "6 us-east-1 test"}}
        assert app.deployment.warnings == []


async def test_todos_of_sam(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", port=0)
    async with served(settings, APPS / "todos") as app, httpx.AsyncClient(timeout=30) as client:
        ask = asking(app, client)
        add = "mutation ($text: String!, $due: AWSDate) { addTodo(text: $text, due: $due) { id text done due } }"
        made = (await ask(add, text="milk", due="2026-11-22"))["data"]["addTodo"]
        assert made == {"id": made["id"], "text": "milk", "done": False, "due": "2026-11-22"}
        other = (await ask(add, text="tea"))["data"]["addTodo"]
        assert other["due"] is None
        assert await ask(add, text="nothing") == {"data": {"addTodo": None}}
        (error,) = (await ask(add, text=""))["errors"]
        assert (error["errorType"], error["path"]) == ("Invalid", ["addTodo"])
        complete = "mutation ($id: ID!) { completeTodo(id: $id) { done } }"
        assert await ask(complete, id=made["id"]) == {"data": {"completeTodo": {"done": True}}}
        (error,) = (await ask(complete, id="gone"))["errors"]
        assert error["errorType"] == "DynamoDB:ConditionalCheckFailedException"
        assert await ask("query ($id: ID!) { todo(id: $id) { text } }", id=made["id"]) == {
            "data": {"todo": {"text": "milk"}}
        }
        assert await ask("{ todos(show: OPEN) { id } }") == {"data": {"todos": [{"id": other["id"]}]}}
        assert {each["id"] for each in (await ask("{ todos { id } }"))["data"]["todos"]} == {made["id"], other["id"]}
        assert app.deployment.warnings == []
