"""Steps with mapping templates: request template, data source, response template. Compiled by `compiler.py`.

The request's `version` says how failures go. 2018-05-29: they are `$ctx.error`, and the response template decides.
2017-02-28: they are added to `errors`, with what the response template makes as their data; a null result skips it.
https://docs.aws.amazon.com/appsync/latest/devguide/resolver-mapping-template-changelog.html
"""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import cast

from callpark.graphql.datasources.lambda_ import LambdaSource
from callpark.graphql.datasources.port import DataSource, Outcome
from callpark.graphql.failures import FieldFailure
from callpark.graphql.resolvers.batching import ask
from callpark.graphql.resolvers.direct import direct_outcome
from callpark.graphql.resolvers.run import EarlyReturn, ResolverRun
from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.vtl.host import Template

_FIRST_VERSION = "2017-02-28"
_VERSIONS = (_FIRST_VERSION, "2018-05-29")


@dataclass(frozen=True, slots=True)
class MappingTemplates:
    """A pair of templates with the face of a code unit."""

    request: Template | None
    response: Template | None

    @property
    def exports(self) -> frozenset[str]:
        both = {"request": self.request, "response": self.response}
        return frozenset(name for name, template in both.items() if template is not None)

    def evaluate(
        self, handler: str, context: Mapping[str, object], auth_type: str
    ) -> Evaluation | Coroutine[object, object, Evaluation]:
        template = self.request if handler == "request" else self.response
        assert template is not None, handler
        return template.evaluate(context, auth_type)


@dataclass(frozen=True, slots=True)
class TemplateStep:
    """Without a request template the data source is a function, which receives the context."""

    templates: MappingTemplates
    source: DataSource
    batch_size: int = 0

    async def run(self, run: ResolverRun, previous: object, deadline: float) -> object:
        version = ""
        if self.templates.request is None:
            source = cast(LambdaSource, self.source)
            outcome = await direct_outcome(run, previous, source, self.batch_size, id(self), deadline)
        else:
            run.hurried = run.hurried or self.batch_size > 0
            request = await run.evaluate(self.templates, "request", run.context(previous))
            if isinstance(request, EarlyReturn):
                return request
            asked, version = _request(request)
            outcome = await ask(self.source, asked, deadline, run.call.execution, id(self), self.batch_size)
        return await self._respond(run, previous, outcome, version)

    async def _respond(self, run: ResolverRun, previous: object, outcome: Outcome, version: str) -> object:
        result, error = outcome.result, outcome.error
        members: dict[str, object] = {"result": result}
        if version == _FIRST_VERSION:
            if error is None and result is None:
                return None
        elif error is not None:
            members["error"] = {"message": error.message, "type": error.type}
        if self.templates.response is not None and (error is None or version != _FIRST_VERSION or result is not None):
            value = await run.evaluate(self.templates, "response", run.context(previous, **members))
        else:
            value = result
        if error is not None and (version == _FIRST_VERSION or self.templates.response is None):
            shown = value.value if isinstance(value, EarlyReturn) else value
            raise FieldFailure(error.message, error.type, run.call.site.filter(shown))
        return value


def _request(value: object) -> tuple[Mapping[str, object], str]:
    """The request and its template version. Raises FieldFailure."""
    if not isinstance(value, dict):
        raise FieldFailure(f"Expected JSON object but got '{_kind(value)}' instead.", "MappingTemplate")
    version = value.get("version")
    if version is None:
        raise FieldFailure("Value for field '$[version]' not found.", "MappingTemplate")
    if version not in _VERSIONS:
        raise FieldFailure(f"Unsupported template version '{version}', use {_VERSIONS[1]}.", "MappingTemplate")
    return cast(Mapping[str, object], value), str(version)


def _kind(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "BOOLEAN"
        case str():
            return "STRING"
        case list():
            return "ARRAY"
    return "NUMBER"
