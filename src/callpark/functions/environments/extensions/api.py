"""The Extensions API and the Telemetry API on the wire: paths, headers and bodies. Their meaning is in `registry.py`
and `telemetry.py`.

`runtime_http.py` hands requests over here. An answer is a Reply, a Refusal, or None when it comes later.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
"""

from collections.abc import Mapping

import msgspec
import orjson

from callpark.functions.environments.extensions.registry import Extension, Extensions, Parked
from callpark.functions.environments.extensions.states import INVALID_FORMAT, ExtensionPhase
from callpark.functions.environments.extensions.telemetry import Family, Telemetry, subscription
from callpark.functions.environments.lifecycle import Refusal

_EXTENSION = "/2020-01-01/extension"
_TELEMETRY = "/2022-07-01/telemetry"
_LOGS = "/2020-08-15/logs"


class Reply(msgspec.Struct, frozen=True):
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class FunctionFacts(msgspec.Struct, frozen=True):
    """What an extension is told about the function when it registers."""

    name: str
    version: str
    handler: str
    account: str


class ExtensionApi:
    def __init__(self, extensions: Extensions, telemetry: Telemetry, facts: FunctionFacts) -> None:
        self.extensions = extensions
        self.telemetry = telemetry
        self._facts = facts

    def serves(self, path: str) -> bool:
        return path.startswith(_EXTENSION + "/") or path in (_TELEMETRY, _LOGS)

    def handle(
        self, connection: Parked, method: str, path: str, headers: Mapping[bytes, bytes], body: bytes
    ) -> Reply | Refusal | None:
        match method, path.removeprefix(_EXTENSION):
            case "POST", "/register":
                return self._register(headers, body)
            case "GET", "/event/next":
                extension = self._identified(headers)
                if isinstance(extension, Refusal):
                    return extension
                return self.extensions.next_event(extension, connection)
            case "POST", "/init/error":
                return self._fail(headers, ExtensionPhase.INIT_ERROR)
            case "POST", "/exit/error":
                return self._fail(headers, ExtensionPhase.EXIT_ERROR)
            case "PUT", "/2022-07-01/telemetry" | "/2020-08-15/logs":
                return self._subscribe(path, headers, body)
        return Refusal(404, "UnknownPath", f"the Extensions API has no {method} {path}")

    def _register(self, headers: Mapping[bytes, bytes], body: bytes) -> Reply | Refusal:
        try:
            given = orjson.loads(body) if body else {}
        except orjson.JSONDecodeError:
            return INVALID_FORMAT
        events = given.get("events", []) if isinstance(given, dict) else None
        if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
            return INVALID_FORMAT
        registered = self.extensions.register(_text(headers, b"lambda-extension-name") or "", events)
        if isinstance(registered, Refusal):
            return registered
        facts = {
            "functionName": self._facts.name,
            "functionVersion": self._facts.version,
            "handler": self._facts.handler,
        }
        if "accountid" in (_text(headers, b"lambda-extension-accept-feature") or "").lower():
            facts["accountId"] = self._facts.account
        return Reply(200, orjson.dumps(facts), headers=(("Lambda-Extension-Identifier", registered.identifier),))

    def _identified(self, headers: Mapping[bytes, bytes]) -> Extension | Refusal:
        return self.extensions.identified(_text(headers, b"lambda-extension-identifier"))

    def _fail(self, headers: Mapping[bytes, bytes], phase: ExtensionPhase) -> Reply | Refusal:
        extension = self._identified(headers)
        if isinstance(extension, Refusal):
            return extension
        error_type = _text(headers, b"lambda-extension-function-error-type")
        refusal = self.extensions.fail(extension, error_type, phase)
        return refusal or Reply(202, b'{"status":"OK"}\n')

    def _subscribe(self, path: str, headers: Mapping[bytes, bytes], body: bytes) -> Reply | Refusal:
        family: Family = "Telemetry" if path == _TELEMETRY else "Logs"
        extension = self._identified(headers)
        if isinstance(extension, Refusal):
            return extension
        if not self.extensions.registration_open:
            return Refusal(403, f"{family}.SubscriptionClosed", f"{family} API subscription is closed already")
        wanted = subscription(family, body)
        if isinstance(wanted, Refusal):
            return wanted
        self.telemetry.subscribe(extension.name, wanted)
        return Reply(200, b'"OK"')


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    found = headers.get(name)
    return None if found is None else found.decode("latin-1")
