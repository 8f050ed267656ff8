"""A service on the virtual clock with a functions double that is as real as the port: it runs Python callables."""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from callpark.graphql.datasources.lambda_ import FunctionReply
from callpark.graphql.datasources.nowhere import NOWHERE
from callpark.graphql.datasources.port import Outside
from callpark.graphql.messages import GraphqlRequest, GraphqlResponse, Publication
from callpark.graphql.model import (
    ApiDefinition,
    ApiKey,
    AuthenticationProvider,
    CodeDefinition,
    DataSourceDefinition,
    FunctionDefinition,
    ResolverDefinition,
)
from callpark.graphql.service import GraphqlService
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import Limits
from callpark.kernel.trace import Trace

DEFAULT = Limits()
ECHO = "arn:aws:lambda:us-east-1:123456789012:function:echo"
PASS_ON = "export function response(ctx) { return ctx.result; }\n"


class Functions:
    """Implements FunctionInvoker. `handlers` by ARN; events are kept, `refusal` refuses everything."""

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[[Any], Awaitable[object]]] = {}
        self.events: list[tuple[str, object]] = []
        self.invocations: list[object] = []
        self.refusal: CallerError | None = None

    async def invoke(self, function_arn: str, payload: bytes) -> FunctionReply:
        if self.refusal:
            raise self.refusal
        event = json.loads(payload)
        self.invocations.append(event)
        if function_arn not in self.handlers:
            return FunctionReply(payload, failed=False)
        try:
            return FunctionReply(json.dumps(await self.handlers[function_arn](event)).encode(), failed=False)
        except ArithmeticError as error:
            answer = {"errorMessage": str(error), "errorType": type(error).__name__}
            return FunctionReply(json.dumps(answer).encode(), failed=True)

    async def enqueue(self, function_arn: str, payload: bytes) -> None:
        if self.refusal:
            raise self.refusal
        self.events.append((function_arn, json.loads(payload)))


class Bench:
    """One API and short ways to use it."""

    def __init__(
        self, clock: VirtualClock, ids: SeededIds, limits: Limits = DEFAULT, outside: Outside = NOWHERE
    ) -> None:
        self.clock = clock
        self.functions = Functions()
        self.trace = Trace(clock)
        self.service = GraphqlService(clock, ids, self.trace, limits, self.functions, outside)
        self.published: list[Publication] = []
        self.service.on_publish(self.published.append)

    def api(
        self,
        schema: str,
        resolvers: dict[str, str | tuple[str | None, ...] | None] | None = None,
        *,
        source: str = "LAMBDA",
        functions: dict[str, tuple[str, str | None]] | None = None,
        sources: tuple[DataSourceDefinition, ...] = (),
        **members: Any,
    ) -> list[str]:
        """Apply an API `api`. `resolvers`: "Type.field" → JavaScript, None (direct), or (code, *function ids)."""
        declared = []
        for name, code in (resolvers or {}).items():
            type_name, field_name = name.split(".")
            if isinstance(code, tuple):
                own = CodeDefinition(code[0]) if code[0] else None
                ids = tuple(each for each in code[1:] if each)
                declared.append(ResolverDefinition(type_name, field_name, "PIPELINE", functions=ids, code=own))
            else:
                own = CodeDefinition(code) if code else None
                declared.append(ResolverDefinition(type_name, field_name, "UNIT", data_source=source, code=own))
        definition = ApiDefinition(
            api_id="api",
            name="Test",
            authentication=(AuthenticationProvider("API_KEY"),),
            schema=schema,
            data_sources=(
                DataSourceDefinition("LAMBDA", "AWS_LAMBDA", ECHO),
                DataSourceDefinition("NONE", "NONE"),
                *sources,
            ),
            functions=tuple(
                FunctionDefinition(name, name, where, CodeDefinition(code) if code else None)
                for name, (where, code) in (functions or {}).items()
            ),
            resolvers=tuple(declared),
            api_keys=(ApiKey("da2-test", 4e9),),
            environment={"STAGE": "test"},
            **members,
        )
        return self.service.apply([definition])

    async def run(self, query: str, variables: dict[str, object] | None = None, **members: Any) -> GraphqlResponse:
        return await self.service.execute("api", GraphqlRequest(query, variables=variables or {}, **members))

    async def data(self, query: str, variables: dict[str, object] | None = None, **members: Any) -> Any:
        response = await self.run(query, variables, **members)
        assert not response.errors, response.errors
        return response.data


@pytest.fixture
def bench(clock: VirtualClock, ids: SeededIds) -> Iterator[Bench]:
    made = Bench(clock, ids)
    yield made
    made.service.close()
