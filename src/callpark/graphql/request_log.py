"""What an API with a LogConfig writes of one request, in AppSync's words: lines for CloudWatch Logs.

Made by `service.py` for each request, filled by `resolvers/logged.py` and `resolvers/run.py`, told to the trace when
the request ends. Fields are written as their level asks: ALL those that were resolved, ERROR, INFO and DEBUG those that
failed. What handlers print with `console` is told separately, whatever the level.
https://docs.aws.amazon.com/appsync/latest/devguide/monitoring.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from callpark.graphql.failures import FieldFailure, path_list
from callpark.graphql.log_lines import LogLines, instant, json_text, nanoseconds, shown_headers
from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.model import LogDefinition
from callpark.kernel.clock import Clock

if TYPE_CHECKING:
    from callpark.graphql.execution import FieldCall


@dataclass(frozen=True, slots=True)
class Stage:
    """Which handlers run: of a unit resolver, of a pipeline around its functions, or of one function."""

    kind: str
    function_id: str = ""
    function_name: str = ""


UNIT, PIPELINE = Stage("unit"), Stage("pipeline")

_KINDS: Mapping[tuple[str, bool, str], str] = {
    ("pipeline", True, "request"): "BeforeMapping",
    ("pipeline", True, "response"): "AfterMapping",
    ("pipeline", False, "request"): "BeforeRequestFunctionEvaluation",
    ("pipeline", False, "response"): "AfterResponseFunctionEvaluation",
    ("", True, "request"): "RequestMapping",
    ("", True, "response"): "ResponseMapping",
    ("", False, "request"): "RequestFunctionEvaluation",
    ("", False, "response"): "ResponseFunctionEvaluation",
}
"""(pipeline or not, mapping template or not, handler) → `logType`."""


@dataclass(slots=True)
class RequestLog:
    """Lines of one request, at most `most_bytes` of them. `api_arn` is what resolvers' ARNs begin with."""

    definition: LogDefinition
    api_id: str
    api_arn: str
    request_id: str
    clock: Clock
    most_bytes: int
    _began: float = 0.0
    _written: LogLines = field(init=False)

    def __post_init__(self) -> None:
        self._written = LogLines(self.most_bytes)

    @property
    def lines(self) -> list[str]:
        return self._written.lines

    def begin(self, request: GraphqlRequest) -> None:
        self._began = self.clock.now()
        self.add("Begin Request")
        self.add(
            f"GraphQL Query: {request.query}, Operation: {request.operation_name or 'null'}, "
            f"Variables: {json_text(dict(request.variables))}"
        )
        if self.definition.verbose:
            self.add(f"Request Headers: {json_text({'headers': shown_headers(request.headers)})}")

    def end(self, status: int) -> None:
        now = self.clock.now()
        common = {"requestId": self.request_id, "graphQLAPIId": self.api_id}
        summary = {
            "duration": nanoseconds(now - self._began),
            "logType": "ExecutionSummary",
            "requestId": self.request_id,
            "startTime": instant(self._began),
            "endTime": instant(now),
            "version": 1,
            "graphQLAPIId": self.api_id,
        }
        self.add(json_text(summary))
        latency = nanoseconds(now - self._began)
        self.add(json_text({"logType": "RequestSummary", **common, "statusCode": status, "latency": latency}))
        self.add("Tokens Consumed: 1")
        self.add("End Request")

    def field(self, call: "FieldCall") -> "FieldLog | None":
        """The log of one field, when fields are logged."""
        return None if self.definition.level == "NONE" else FieldLog(self, call, self.clock.now())

    def add(self, line: str) -> None:
        self._written.add(line)


class FieldLog:
    """Lines of one field's resolver, written when it is done and known whether it failed."""

    def __init__(self, log: RequestLog, call: "FieldCall", began: float) -> None:
        self._log = log
        self._call = call
        self._began = began
        self._lines: list[dict[str, object]] = []

    def evaluated(
        self,
        stage: Stage,
        handler: str,
        context: Mapping[str, object],
        value: object,
        errors: list[str],
        *,
        template: bool,
    ) -> None:
        """A handler ran: what it saw and what it gave, or how it ended the field."""
        site, log = self._call.site, self._log
        kind = stage.kind if stage.kind == "pipeline" else ""
        entry: dict[str, object] = {
            "logType": _KINDS[kind, template, handler],
            "path": path_list(self._call.path),
            "fieldName": site.field_name,
            "resolverArn": self._arn(),
        }
        if stage.kind == "function":
            entry["functionName"] = stage.function_name
            entry["functionArn"] = f"{log.api_arn}/functions/{stage.function_id}"
        entry["requestId"] = log.request_id
        if log.definition.verbose:
            names = ("arguments", "source", "prev", "stash", "result", "error", "outErrors")
            entry["context"] = {name: context[name] for name in names if context.get(name) is not None}
        entry |= {"fieldInError": bool(errors), "errors": errors} if errors else {"fieldInError": False}
        entry |= {"parentType": site.parent_type, "graphQLAPIId": log.api_id}
        if log.definition.verbose and not errors:
            entry["transformedTemplate" if template else "evaluationResult"] = value
        self._lines.append(entry)

    def done(self, failure: FieldFailure | None) -> None:
        """Write what was kept, if the level asks for this field."""
        log, call = self._log, self._call
        if log.definition.level != "ALL" and failure is None and not call.appended:
            return
        site, ended = call.site, log.clock.now()
        log.add(f"Begin Execution - Type Name: {site.parent_type} and Field Name: {site.field_name}")
        for entry in self._lines:
            log.add(json_text(entry))
        if failure is not None:
            log.add(f"Field Error: {json_text({'message': failure.message, 'errorType': failure.error_type})}")
        log.add("End Field Execution")
        tracing = {
            "duration": nanoseconds(ended - self._began),
            "logType": "Tracing",
            "path": path_list(call.path),
            "fieldName": site.field_name,
            "startOffset": nanoseconds(self._began - log._began),
            "resolverArn": self._arn(),
            "requestId": log.request_id,
            "parentType": site.parent_type,
            "returnType": site.return_type,
            "graphQLAPIId": log.api_id,
        }
        for line in ("Begin Tracing", json_text(tracing), "End Tracing"):
            log.add(line)

    def _arn(self) -> str:
        return f"{self._log.api_arn}/types/{self._call.site.parent_type}/resolvers/{self._call.site.field_name}"
