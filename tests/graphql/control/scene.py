"""The control plane over a store in memory, its operations called as the gateway calls them."""

from collections.abc import Mapping
from typing import Any

from callpark.graphql.api.operations import operations
from callpark.graphql.control.plane import ControlPlane
from callpark.graphql.messages import GraphqlRequest
from callpark.graphql.service import GraphqlService
from callpark.kernel.arn import Place
from callpark.kernel.clock import VirtualClock
from callpark.kernel.ids import SeededIds
from callpark.kernel.limits import AppSyncLimits, Limits
from callpark.kernel.operations import Call
from callpark.kernel.trace import Trace
from callpark.store.memory import MemoryStore
from tests.graphql.conftest import Functions

RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
SCHEMA = b"""
type Query { hello(name: String): String  item(id: ID!): Item }
"an item"
type Item { id: ID!  name: String }
"""
HELLO = """
export function request(ctx) { return { payload: `hello ${ctx.args.name} ${ctx.env.STAGE}` } }
export function response(ctx) { return ctx.result }
"""


class Scene:
    def __init__(self, clock: VirtualClock, ids: SeededIds, store: MemoryStore, limits: Limits | None = None) -> None:
        limits = limits or Limits()
        self.clock = clock
        self._parts = (clock, ids, store, limits)
        self.functions = Functions()
        self.service = GraphqlService(clock, ids, Trace(clock), limits, self.functions)
        self.plane = ControlPlane(
            self.service,
            store,
            clock=clock,
            ids=ids,
            limits=limits.appsync,
            place=Place(),
            base_url="http://127.0.0.1:4566",
        )
        self._operations = operations(self.plane)
        self.api_id = ""

    async def call(self, operation: str, **parameters: object) -> Any:  # AWS's answers, looked into by tests
        """Raises CallerError. `apiId` is that of the scene's API when it is not given."""
        if self.api_id and operation not in ("CreateGraphqlApi", "EvaluateCode", "ListGraphqlApis"):
            parameters = {"apiId": self.api_id, **parameters}
        return await self.answer(Call("appsync", operation, parameters, "request", Place()))

    async def answer(self, call: Call) -> Any:  # see `call`
        answer = await self._operations[call.service, call.operation](call)
        assert isinstance(answer, Mapping)
        return answer

    async def restarted(self) -> "Scene":
        """Another one over the same store."""
        again = Scene(*self._parts)
        await again.plane.start()
        again.api_id = self.api_id
        return again

    async def with_api(self, **parameters: object) -> "Scene":
        given = {"name": "Notes", "authenticationType": "API_KEY", **parameters}
        self.api_id = (await self.call("CreateGraphqlApi", **given))["graphqlApi"]["apiId"]
        return self

    async def with_hello(self) -> "Scene":
        """An API that answers `hello`."""
        await self.with_api()
        await self.call("StartSchemaCreation", definition=SCHEMA)
        await self.call("PutGraphqlApiEnvironmentVariables", environmentVariables={"STAGE": "test"})
        await self.call("CreateDataSource", name="none", type="NONE")
        await self.call("CreateResolver", **resolver())
        return self

    async def data(self, query: str) -> Any:
        answer = await self.service.execute(self.api_id, GraphqlRequest(query))
        assert not answer.errors, answer.errors
        return answer.data

    @property
    def limits(self) -> AppSyncLimits:
        return self.plane.limits


def resolver(**members: object) -> dict[str, object]:
    given = {"typeName": "Query", "fieldName": "hello", "dataSourceName": "none", "code": HELLO, "runtime": RUNTIME}
    return {name: value for name, value in {**given, **members}.items() if value is not None}
