"""GraphiQL for browsers: what they get who open an API's `/graphql`, and its files under `/_callpark/graphiql/`.

Mounted by the gateway before the APIs themselves. The page is ours (`graphql/graphiql/`); React's and GraphiQL's files
beside it are copied from their npm packages by `make setup` and are in the wheel. Nothing comes from elsewhere.
"""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from callpark.graphql.api.location import Location, choose, locate, not_found
from callpark.graphql.api.ports import Apis
from callpark.graphql.model import ApiDefinition
from callpark.kernel import asgi
from callpark.kernel.clock import Clock

_FILES = Path(__file__).parent.parent / "graphiql"
_PREFIX = "/_callpark/graphiql/"
_TYPES = {".js": b"text/javascript; charset=utf-8", ".css": b"text/css; charset=utf-8", ".txt": b"text/plain"}
_HTML = (b"content-type", b"text/html; charset=utf-8")
#: The page shows an API key: no other site may show it in a frame, and scripts are ours alone.
_GUARDS = (
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        b"font-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_MISSING = (
    "<!doctype html><title>GraphiQL</title><p>GraphiQL is not part of this installation: "
    "<code>make setup</code> adds it where npm is."
)


class GraphiqlPages:
    def __init__(self, service: Apis, clock: Clock, files: Path = _FILES) -> None:
        self._service = service
        self._clock = clock
        self._files = files

    def matches(self, scope: asgi.Scope) -> bool:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return False
        path = asgi.path(scope)
        if path.startswith(_PREFIX):
            return True
        location = locate(path, asgi.host(scope))
        return location is not None and location.endpoint == "/graphql" and _is_browser(scope)

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        path, method = asgi.path(scope), scope["method"]
        if path.startswith(_PREFIX):
            return await self._file(path.removeprefix(_PREFIX), method, send)
        location = locate(path, asgi.host(scope))
        assert location is not None, "the gateway asks matches() first"
        status, page = self._page(location)
        return await asgi.respond(send, status, page.encode(), (_HTML, *_GUARDS), method)

    async def _file(self, name: str, method: str, send: asgi.Send) -> None:
        kind = _TYPES.get(Path(name).suffix)
        found = next((each for each in self._known() if each.name == name), None) if kind else None
        if found is None or kind is None:
            return await asgi.respond(send, 404, b"", (), method)
        headers = ((b"content-type", kind), (b"cache-control", b"max-age=300"), _GUARDS[1])
        return await asgi.respond(send, 200, found.read_bytes(), headers, method)

    def _known(self) -> Sequence[Path]:
        return [*self._files.glob("*.*"), *(self._files / "static").glob("*.*")]

    def _page(self, location: Location) -> tuple[int, str]:
        apis = self._service.apis()
        api = choose(apis, location, {})
        if api is None:
            links = "".join(f'<li><a href="{html.escape(_path(each))}">{html.escape(each.name)}</a>' for each in apis)
            return (
                404,
                f"<!doctype html><title>GraphQL</title><p>{html.escape(not_found(apis, location))}<ul>{links}</ul>",
            )
        if not (self._files / "static" / "graphiql.min.js").exists():
            return 503, _MISSING
        # In a script element only `<` could end the text early.
        configuration = orjson.dumps(self._configuration(api, apis)).decode().replace("<", "\\u003c")
        page = (self._files / "page.html").read_text("utf-8")
        return 200, page.replace("$CONFIGURATION", configuration).replace("$TITLE", html.escape(api.name))

    def _configuration(self, api: ApiDefinition, apis: Sequence[ApiDefinition]) -> Mapping[str, object]:
        now = self._clock.now()
        return {
            "id": api.api_id,
            "name": api.name,
            "path": _path(api),
            "modes": list(dict.fromkeys(each.type for each in api.authentication)),
            "key": next((each.key for each in api.api_keys if each.expires > now), None),
            "others": [{"name": each.name, "path": _path(each)} for each in apis if each.api_id != api.api_id],
        }


def _path(api: ApiDefinition) -> str:
    return f"/apis/{api.api_id}/graphql"


def _is_browser(scope: asgi.Scope) -> bool:
    return b"text/html" in (asgi.header(scope, b"accept") or b"")
