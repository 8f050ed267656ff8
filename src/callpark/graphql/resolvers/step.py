"""One step of a resolver: request handler, data source, response handler. Used by `unit.py` and `pipeline.py`.

Steps without code on a Lambda data source are direct: the function receives the context and its answer is the result.
https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-lambda-js.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, cast

from callpark.graphql.datasources.lambda_ import LambdaSource
from callpark.graphql.datasources.port import DataSource, SourceError
from callpark.graphql.failures import FieldFailure
from callpark.graphql.resolvers.batching import ask
from callpark.graphql.resolvers.direct import direct_outcome
from callpark.graphql.resolvers.run import EarlyReturn, ResolverRun
from callpark.graphql.runtimes.js.host import CodeUnit


class Step(Protocol):
    @property
    def batch_size(self) -> int:
        """How many siblings go to the data source together; 0: none."""
        ...

    async def run(self, run: ResolverRun, previous: object, deadline: float) -> object:
        """The step's value or an EarlyReturn. Raises FieldFailure."""
        ...


@dataclass(frozen=True, slots=True)
class CodeStep:
    """A step with handlers in JavaScript; a missing response handler passes the result on."""

    code: CodeUnit
    source: DataSource
    batch_size: int = 0

    async def run(self, run: ResolverRun, previous: object, deadline: float) -> object:
        run.hurried = run.hurried or self.batch_size > 0
        request = await run.evaluate(self.code, "request", run.context(previous))
        if isinstance(request, EarlyReturn):
            return request
        if not isinstance(request, dict):
            raise FieldFailure(f"The request handler must return an object, not {_kind(request)}.", "Code")
        asked = cast(Mapping[str, object], request)
        outcome = await ask(self.source, asked, deadline, run.call.execution, id(self), self.batch_size)
        if "response" not in self.code.exports:
            if outcome.error is not None:
                raise FieldFailure(outcome.error.message, outcome.error.type, run.call.site.filter(outcome.result))
            return outcome.result
        members: dict[str, object] = {"result": outcome.result}
        if outcome.error is not None:
            members["error"] = {"message": outcome.error.message, "type": outcome.error.type}
        return await run.evaluate(self.code, "response", run.context(previous, **members))


@dataclass(frozen=True, slots=True)
class DirectStep:
    """A step without code on a Lambda data source. With a batch size the function expects a list of contexts."""

    source: LambdaSource
    batch_size: int = 0

    async def run(self, run: ResolverRun, previous: object, deadline: float) -> object:
        outcome = await direct_outcome(run, previous, self.source, self.batch_size, id(self), deadline)
        if outcome.error is not None:
            raise FieldFailure(*_direct_error(outcome.error), run.call.site.filter(outcome.result))
        return outcome.result


def _direct_error(error: SourceError) -> tuple[str, str]:
    """A direct resolver names the function's exception class; one called UnauthorizedException loses its message."""
    if error.function_type is None:
        return error.message, error.type
    if error.function_type == "UnauthorizedException":
        return "You are not authorized to make this call.", error.function_type
    return error.message, error.function_type


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__
