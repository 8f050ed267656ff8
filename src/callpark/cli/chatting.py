"""A chat from start to end as `callpark chat` has it: through Connect's APIs and the chat's web socket, like any other.

Local chats are with a server of their own, so there is one way only.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec
import orjson
from rich.markup import escape
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from callpark.cli import exits, options, session
from callpark.cli.calling import CLEAN_ENDS
from callpark.cli.remote import Unreachable, explain
from callpark.cli.screen import answers, remarks, show_error, show_warnings
from callpark.cli.typed import typed
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import Limits
from callpark.serving import served
from callpark.settings import Source
from callpark.upstreams.assignments import Assignments

_SUBSCRIBE = '{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}'
_ENDED = "application/vnd.amazonaws.connect.event.chat.ended"
_VIEW = "application/vnd.amazonaws.connect.message.interactive"
_ANSWER = f"{_VIEW}.response"
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Customer:
    """`says`: a script, None for the keyboard. `pause`: seconds of silence before each line of it, `stay`: after the
    last."""

    name: str
    attributes: Mapping[str, str]
    says: tuple[str, ...] | None
    pause: float
    stay: float


async def chat_here(
    source: Source | Path,
    flow: str,
    customer: Customer,
    limits: Limits,
    parameters: dict[str, str],
    output: options.Output,
    upstreams: Assignments,
) -> int:
    """Serve the project for this one chat."""
    serving = session.temporary(limits, parameters, upstreams=upstreams)
    async with serving as settings, served(settings, source) as app:
        show_warnings(app.deployment.warnings)
        return await chat_there(app.base_url, flow, customer, output)


async def chat_there(endpoint: str, flow: str, customer: Customer, output: options.Output) -> int:
    """Chat with a running server."""
    try:
        patience = httpx.Timeout(30.0, connect=2.0)
        async with httpx.AsyncClient(base_url=endpoint, trust_env=False, timeout=patience) as http:
            return await _Chat(http, customer, output).run(flow)
    except Unreachable as error:
        return explain(error)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ConnectionClosed) as error:
        return explain(Unreachable(endpoint, str(error) or type(error).__name__))


T = TypeVar("T")


class _Instance(msgspec.Struct, rename="pascal"):
    id: str


class _Instances(msgspec.Struct, rename="pascal"):
    instance_summary_list: list[_Instance]


class _Begun(msgspec.Struct, rename="pascal"):
    contact_id: str
    participant_token: str


class _Websocket(msgspec.Struct, rename="pascal"):
    url: str


class _Credentials(msgspec.Struct, rename="pascal"):
    connection_token: str


class _Connection(msgspec.Struct, rename="pascal"):
    websocket: _Websocket
    connection_credentials: _Credentials


class _Page(msgspec.Struct, rename="pascal"):
    transcript: list[dict[str, object]]
    next_token: str | None = None


class _Nothing(msgspec.Struct):
    """Whatever else an answer says."""


class _Chat:
    """One chat. `heard`: items in the order in which they came."""

    def __init__(self, http: httpx.AsyncClient, customer: Customer, output: options.Output) -> None:
        self._http = http
        self._customer = customer
        self._output = output
        self._token = ""
        self._heard = asyncio.Event()
        self._over = False
        self._viewing = False

    async def run(self, flow: str) -> int:
        arn = await self._flow_arn(flow)
        instances = await self._ask("GET", "/instance", None, _Instances)
        begun = await self._ask(
            "PUT",
            "/contact/chat",
            {
                "InstanceId": instances.instance_summary_list[0].id,
                "ContactFlowId": arn,
                "ParticipantDetails": {"DisplayName": self._customer.name},
                "Attributes": dict(self._customer.attributes),
                "SupportedMessagingContentTypes": ["text/plain", _VIEW, _ANSWER],
            },
            _Begun,
        )
        connection = await self._ask(
            "POST",
            "/participant/connection",
            {"Type": ["WEBSOCKET", "CONNECTION_CREDENTIALS"]},
            _Connection,
            begun.participant_token,
        )
        self._token = connection.connection_credentials.connection_token
        async with connect(connection.websocket.url, proxy=None) as socket:
            await socket.send(_SUBSCRIBE)
            speaking = asyncio.ensure_future(self._speak(socket))
            try:
                async for frame in socket:
                    self._hear(json.loads(frame))
                    if self._over:
                        break
            finally:
                speaking.cancel()
                await asyncio.gather(speaking, return_exceptions=True)
        return await self._report(begun.contact_id)

    async def _speak(self, socket: ClientConnection) -> None:
        """The script or the keyboard, then leave. What the server refuses ends the chat, unless it is over anyway."""
        try:
            await self._follow()
        except ProjectError as error:
            if not self._over:
                show_error(error)
                await socket.close()

    async def _follow(self) -> None:
        customer = self._customer
        if customer.says is None:
            async for line in typed():
                if not line:
                    break
                await self._say(line)
        else:
            for line in customer.says:
                await self._silence(customer.pause)
                await self._say(line)
            await self._silence(customer.stay)
        await self._ask("POST", "/participant/disconnect", {}, _Nothing, self._token)

    async def _say(self, line: str) -> None:
        if line:
            message = {"ContentType": "text/plain", "Content": line}
            if self._viewing:  # what is written chooses an action of the view
                message = {"ContentType": _ANSWER, "Content": json.dumps({"action": line, "data": {}})}
            await self._ask("POST", "/participant/message", message, _Nothing, self._token)

    async def _silence(self, seconds: float) -> None:
        """Until nothing has been heard for so long."""
        while True:
            self._heard.clear()
            try:
                await asyncio.wait_for(self._heard.wait(), seconds)
            except TimeoutError:
                return

    def _hear(self, frame: Mapping[str, object]) -> None:
        if frame.get("topic") != "aws/chat":
            return
        self._heard.set()
        item = json.loads(str(frame["content"]))
        self._over = item.get("ContentType") == _ENDED
        if item.get("ContentType") in (_VIEW, _ANSWER):
            self._viewing = item["ContentType"] == _VIEW
        if self._output is options.Output.TEXT:
            self._show(item)

    def _show(self, item: Mapping[str, str]) -> None:
        clock, content = item["AbsoluteTime"][11:19], _readable(item)
        who = {"SYSTEM": "flow", "CUSTOMER": self._customer.name}.get(item.get("ParticipantRole", ""), "")
        who = who or item.get("DisplayName", "")
        if content:
            answers.print(f"[dim]{clock}[/] [bold]{escape(who)}:[/] {escape(content)}")
        elif "event." in item.get("ContentType", ""):
            event = item["ContentType"].partition("event.")[2].replace(".", " ")
            answers.print(f"[dim]{clock} {escape(who)} {escape(event)}[/]")

    async def _report(self, contact_id: str) -> int:
        shown = (await self._http.get(f"/_callpark/contacts/{contact_id}")).json()["contact"]
        reason = str(shown.get("disconnectReason", "OTHER"))
        if self._output is options.Output.JSON:
            whole = {"contactId": contact_id, "reason": reason, "transcript": await self._transcript()}
            answers.print_json(orjson.dumps(whole).decode())
        elif reason not in CLEAN_ENDS:
            remarks.print(f"the chat ended with {escape(reason)} {escape(str(shown.get('detail', '')))}")
        return exits.OK if reason in CLEAN_ENDS else exits.FUNCTION_ERROR

    async def _transcript(self) -> list[object]:
        found: list[object] = []
        asked: dict[str, object] = {"MaxResults": _PAGE, "SortOrder": "ASCENDING", "ScanDirection": "FORWARD"}
        while True:
            page = await self._ask("POST", "/participant/transcript", asked, _Page, self._token)
            found += page.transcript
            if page.next_token is None:
                return found
            asked["NextToken"] = page.next_token

    async def _flow_arn(self, flow: str) -> str:
        """Of a flow by name, id or ARN. Raises ProjectError."""
        answer = await self._http.get("/_callpark/health")
        try:
            flows = [(str(each["name"]), str(each["arn"])) for each in answer.json()["flows"]]
        except (ValueError, KeyError, TypeError):
            raise Unreachable(str(self._http.base_url), "something else than callpark answers there") from None
        for name, arn in flows:
            if flow in (name, arn, arn.rsplit("/", 1)[-1]):
                return arn
        known = ", ".join(sorted(name for name, _ in flows)) or "nothing yet"
        raise ProjectError(f"no flow is called {flow!r}", f"there is: {known}")

    async def _ask(
        self, method: str, path: str, body: Mapping[str, object] | None, into: type[T], token: str = ""
    ) -> T:
        """One operation. Raises ProjectError for what the server refuses."""
        headers = {"X-Amz-Bearer": token} if token else {}
        answer = await self._http.request(method, path, json=body, headers=headers)
        if answer.status_code != 200:
            raise ProjectError(f"the server refused {path}: {answer.text[:500]}", "its log says more")
        return msgspec.json.decode(answer.content or b"{}", type=into)


def _readable(item: Mapping[str, object]) -> str:
    """What an item says, for people: a view by its name and data, an answer by its action, files by their names."""
    content, files = str(item.get("Content") or ""), item.get("Attachments")
    if isinstance(files, list):
        return " ".join(f"[file {file['AttachmentName']}, {str(file['Status']).lower()}]" for file in files)
    if item.get("ContentType") not in (_VIEW, _ANSWER):
        return content
    try:
        document = json.loads(content)
        if item["ContentType"] == _ANSWER:
            return f"[{document['action']}]"
        view = document["data"]["content"]
        return f"[view {view['viewToken']}] {json.dumps(view['data'], ensure_ascii=False)}"
    except (ValueError, KeyError, TypeError):
        return content
