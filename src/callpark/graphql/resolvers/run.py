"""One resolver run: what its steps share, and the context object they see.

Made by `unit.py` and `pipeline.py` for each field; `step.py` evaluates handlers through it.
https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html
"""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from callpark.graphql.execution import FieldCall
from callpark.graphql.failures import FieldFailure
from callpark.graphql.happenings import ResolverLogged
from callpark.graphql.pacing import Pacer
from callpark.graphql.request_log import UNIT, FieldLog
from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.host import CodeUnit
from callpark.kernel.trace import Trace

AUTH_TYPES = {
    "API_KEY": "API Key Authorization",
    "AWS_IAM": "IAM Authorization",
    "AMAZON_COGNITO_USER_POOLS": "User Pool Authorization",
    "OPENID_CONNECT": "Open ID Connect Authorization",
    "AWS_LAMBDA": "Lambda Authorization",
}


@dataclass(frozen=True, slots=True)
class ResolverEnvironment:
    """What resolvers of one API have in common. `variables` are the API's environment variables."""

    api_id: str
    variables: Mapping[str, str]
    trace: Trace
    pacer: Pacer


@dataclass(frozen=True, slots=True)
class EarlyReturn:
    """`runtime.earlyReturn`: `skip_to` is END, NEXT or None when the handler did not say."""

    value: object
    skip_to: str | None


class Handlers(Protocol):
    """A code unit, or a pair of mapping templates. `exports` are the handlers that are there."""

    @property
    def exports(self) -> frozenset[str]: ...

    def evaluate(
        self, handler: str, context: Mapping[str, object], auth_type: str
    ) -> Evaluation | Coroutine[object, object, Evaluation]: ...


class ResolverRun:
    """Stash and arguments are one object for all steps of a run, as the handlers leave them. `hurried`: siblings wait
    for it to join their batch, so it does not make way for others."""

    __slots__ = ("_base", "arguments", "call", "environment", "hurried", "out_errors", "stage", "stash")

    def __init__(self, call: FieldCall, environment: ResolverEnvironment) -> None:
        self.call = call
        self.environment = environment
        self.hurried = False
        self.stage = UNIT
        self.stash: Mapping[str, object] = {}
        self.arguments = call.arguments
        self.out_errors: list[Mapping[str, object]] = []
        site, request = call.site, call.execution.request
        self._base = {
            "source": None if call.path is None or call.path[0] is None else call.source,
            "identity": request.identity,
            "request": {
                "headers": {name: value for name, value in request.headers.items() if name != "cookie"},
                "domainName": None,  # AppSync names custom domains only, and there are none here
            },
            "info": {
                "fieldName": site.field_name,
                "parentTypeName": site.parent_type,
                "variables": request.variables,
                "selectionSetList": site.selection_set_list(),
                "selectionSetGraphQL": site.selection_set_graphql(),
            },
        }

    def context(self, previous: object, **members: object) -> dict[str, object]:
        """The context object: `previous` is `prev.result`, `members` what this handler sees besides."""
        return {
            "arguments": self.arguments,
            **self._base,
            "stash": self.stash,
            "prev": None if previous is NO_PREVIOUS else {"result": previous},
            "env": self.environment.variables,
            "outErrors": self.out_errors,
            **members,
        }

    def direct_payload(self, previous: object) -> dict[str, object]:
        """What a direct Lambda resolver's function receives."""
        return {
            "arguments": self.arguments,
            **self._base,
            "prev": None if previous is NO_PREVIOUS else {"result": previous},
            "stash": self.stash,
        }

    async def evaluate(self, unit: Handlers, handler: str, context: Mapping[str, object]) -> object:
        """The handler's value or an EarlyReturn. Raises FieldFailure when the handler ends the field."""
        execution = self.call.execution
        if not self.hurried and self.environment.pacer.crowded():
            await self.environment.pacer.turn()
        mode = execution.request.auth_mode
        done = unit.evaluate(handler, context, AUTH_TYPES.get(mode, mode))
        evaluation = done if isinstance(done, Evaluation) else await done
        self._absorb(evaluation)
        if self.call.log is not None:
            self._log(self.call.log, unit, handler, context, evaluation)
        if evaluation.halt is None:
            return evaluation.value
        if evaluation.halt["kind"] == "return":
            return EarlyReturn(evaluation.halt.get("value"), cast("str | None", evaluation.halt.get("skipTo")))
        raise self._failure(evaluation.halt)

    def _absorb(self, evaluation: Evaluation) -> None:
        self.arguments = evaluation.args
        self.stash = evaluation.stash
        self.call.execution.effects.extend(evaluation.effects)
        for each in evaluation.errors:
            self.out_errors.append(each)
            self.call.append_error(self._failure(each))
        if evaluation.logs:
            site = self.call.site
            self.environment.trace.emit(
                ResolverLogged(
                    self.call.execution.request_id,
                    self.environment.api_id,
                    site.parent_type,
                    site.field_name,
                    evaluation.logs,
                )
            )

    def _log(
        self, log: FieldLog, unit: Handlers, handler: str, context: Mapping[str, object], evaluation: Evaluation
    ) -> None:
        halt = evaluation.halt
        ended = [str(halt.get("message"))] if halt is not None and halt["kind"] == "error" else []
        errors = [str(each.get("message")) for each in evaluation.errors] + ended
        value = evaluation.value if halt is None else halt.get("value")
        log.evaluated(self.stage, handler, context, value, errors, template=not isinstance(unit, CodeUnit))

    def _failure(self, members: Mapping[str, object]) -> FieldFailure:
        message, kind = members.get("message"), members.get("type")
        return FieldFailure(
            "null" if message is None else str(message),
            None if kind is None else str(kind),
            self.call.site.filter(members.get("data")),
            members.get("errorInfo"),
        )


class _NoPrevious:
    """There is no previous step: `prev` is null."""


NO_PREVIOUS = _NoPrevious()
