"""What browsers get at an API's /graphql, and that nobody else gets it. In Chromium: tests/compat/test_graphiql.py."""

from pathlib import Path

import httpx
import orjson
import pytest

from callpark.graphql.api.graphiql import GraphiqlPages
from callpark.graphql.model import ApiKey, AuthenticationProvider
from callpark.kernel import asgi
from callpark.kernel.clock import VirtualClock
from tests.graphql.api.toy import KEY, NEVER, ToyService, api

pytestmark = pytest.mark.unit

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGE = '<title>$TITLE</title><script id="callpark" type="application/json">$CONFIGURATION</script>'


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "static").mkdir()
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "page.js").write_text("ours")
    (tmp_path / "static" / "graphiql.min.js").write_text("theirs")
    (tmp_path.parent / "secret.js").write_text("secret")
    return tmp_path


@pytest.fixture
def service() -> ToyService:
    return ToyService()


@pytest.fixture
def client(service: ToyService, clock: VirtualClock, files: Path) -> httpx.AsyncClient:
    pages = GraphiqlPages(service, clock, files)

    async def application(scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if pages.matches(scope):
            await pages(scope, receive, send)
        else:
            await asgi.respond(send, 418, b"not for us")

    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://localhost", headers=BROWSER)


async def test_the_page_knows_the_api_its_ways_in_and_a_key_that_still_opens(
    client: httpx.AsyncClient, service: ToyService, clock: VirtualClock
) -> None:
    lambda_, iam = AuthenticationProvider("AWS_LAMBDA"), AuthenticationProvider("AWS_IAM")
    service.served = [
        api("story", [ApiKey("old", clock.now()), ApiKey(KEY, NEVER)], lambda_, AuthenticationProvider("API_KEY"), iam),
        api("other"),
    ]
    answer = await client.get("/apis/story/graphql")
    configuration = orjson.loads(answer.text.partition('json">')[2].partition("</script>")[0])
    assert configuration == {
        "id": "story",
        "name": "Story",
        "path": "/apis/story/graphql",
        "modes": ["AWS_LAMBDA", "API_KEY", "AWS_IAM"],
        "key": KEY,
        "others": [{"name": "Other", "path": "/apis/other/graphql"}],
    }
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


async def test_a_name_is_text_and_no_markup(client: httpx.AsyncClient, service: ToyService) -> None:
    service.served = [api("</script><script>alert(1)</script>")]
    text = (await client.get("/graphql")).text
    assert "<script>" not in text
    assert text.count("</script>") == 1
    assert text.count("<script") == 1


async def test_which_api_is_asked_for_where_there_are_several(client: httpx.AsyncClient, service: ToyService) -> None:
    service.served = [api("one"), api("two")]
    answer = await client.get("/graphql")
    assert answer.status_code == 404
    assert '<a href="/apis/two/graphql">Two</a>' in answer.text
    assert (await client.get("/apis/three/graphql")).status_code == 404


@pytest.mark.parametrize("path", ["page.js", "graphiql.min.js"])
async def test_files(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/_callpark/graphiql/{path}", headers={"accept": "*/*"})
    assert (answer.status_code, answer.text) == (200, "ours" if path == "page.js" else "theirs")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert (await client.head(f"/_callpark/graphiql/{path}")).content == b""


@pytest.mark.parametrize(
    "path", ["", "nothing.js", "page.html", "../secret.js", "..%2Fsecret.js", "static/graphiql.min.js"]
)
async def test_nothing_else_is_a_file(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/_callpark/graphiql/{path}")
    assert answer.status_code in (404, 418)
    assert "secret" not in answer.text


async def test_clients_of_the_api_are_left_alone(client: httpx.AsyncClient) -> None:
    for method, path, accept in (
        ("POST", "/graphql", BROWSER["accept"]),
        ("OPTIONS", "/graphql", BROWSER["accept"]),
        ("GET", "/graphql", "application/json"),
        ("GET", "/graphql/realtime", BROWSER["accept"]),
        ("GET", "/", BROWSER["accept"]),
    ):
        assert (await client.request(method, path, headers={"accept": accept})).status_code == 418


async def test_an_installation_without_it_says_how_to_get_it(client: httpx.AsyncClient, files: Path) -> None:
    (files / "static" / "graphiql.min.js").unlink()
    answer = await client.get("/graphql")
    assert answer.status_code == 503
    assert "make setup" in answer.text
