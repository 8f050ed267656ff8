"""StartSchemaCreation, GetIntrospectionSchema, CreateType and their families: translate and call the control plane.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_StartSchemaCreation.html, …/API_CreateType.html
"""

import asyncio
from collections.abc import Callable, Mapping

from callpark.graphql.api.pages import page
from callpark.graphql.control import changes, types
from callpark.graphql.control.model import ManagedApi
from callpark.graphql.control.plane import ControlPlane
from callpark.graphql.control.refusals import bad_request
from callpark.kernel.operations import Call, OperationTable


class SchemaOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("appsync", "StartSchemaCreation"): self.start,
            ("appsync", "GetSchemaCreationStatus"): self.status,
            ("appsync", "GetIntrospectionSchema"): self.introspection,
            ("appsync", "CreateType"): self.create_type,
            ("appsync", "GetType"): self.get_type,
            ("appsync", "ListTypes"): self.list_types,
            ("appsync", "UpdateType"): self.update_type,
            ("appsync", "DeleteType"): self.delete_type,
        }

    async def start(self, call: Call) -> Mapping[str, object]:
        """The schema is looked at now; the status tells, as clients of AWS expect."""
        definition = call.parameters["definition"]
        text = definition.decode(errors="replace") if isinstance(definition, bytes) else str(definition)
        api_id = str(call.parameters["apiId"])
        problem = await self._plane.schema_problem(self._plane.api(api_id), text)
        await self._plane.change(api_id, lambda api: changes.put_schema(api, text, problem))
        return {"status": "PROCESSING"}

    async def status(self, call: Call) -> Mapping[str, object]:
        state = self._plane.api(str(call.parameters["apiId"])).schema_state
        details = {"details": state.details} if state.details else {}
        return {"status": state.status, **details}

    async def introspection(self, call: Call) -> Mapping[str, object]:
        schema = self._plane.api(str(call.parameters["apiId"])).definition.schema
        directives = call.parameters.get("includeDirectives") is not False
        write = types.schema_json if call.parameters["format"] == "JSON" else types.schema_sdl
        with self._plane.clock.hold("describing a GraphQL schema"):
            return {"schema": (await asyncio.to_thread(write, schema, directives=directives)).encode()}

    async def create_type(self, call: Call) -> Mapping[str, object]:
        definition = _sdl(call)
        api = await self._change(call, lambda schema: types.with_type(schema, definition))
        return {"type": self._shown(api, types.single_type(definition).name, "SDL")}

    async def get_type(self, call: Call) -> Mapping[str, object]:
        api = self._plane.api(str(call.parameters["apiId"]))
        name, form = str(call.parameters["typeName"]), str(call.parameters["format"])
        with self._plane.clock.hold("describing a GraphQL type"):
            return {"type": await asyncio.to_thread(self._shown, api, name, form)}

    async def list_types(self, call: Call) -> Mapping[str, object]:
        api, form = self._plane.api(str(call.parameters["apiId"])), str(call.parameters["format"])
        with self._plane.clock.hold("describing GraphQL types"):
            return await asyncio.to_thread(self._listed, api, form, call.parameters)

    async def update_type(self, call: Call) -> Mapping[str, object]:
        name = str(call.parameters["typeName"])
        if "definition" not in call.parameters:
            api = self._plane.api(str(call.parameters["apiId"]))
            return {"type": self._shown(api, name, "SDL")}
        definition = _sdl(call)
        api = await self._change(call, lambda schema: types.with_changed_type(schema, name, definition))
        return {"type": self._shown(api, name, "SDL")}

    async def delete_type(self, call: Call) -> Mapping[str, object]:
        name = str(call.parameters["typeName"])
        await self._change(call, lambda schema: types.without_type(schema, name))
        return {}

    async def _change(self, call: Call, edit: Callable[[str], str]) -> ManagedApi:
        def change(api: ManagedApi) -> ManagedApi:
            return changes.with_schema(api, edit(api.definition.schema), self._plane.check)

        return await self._plane.change(str(call.parameters["apiId"]), change)

    def _listed(self, api: ManagedApi, form: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        names = list(types.types_of(api.definition.schema))
        return page("types", names, lambda name: name, lambda name: self._shown(api, name, form), parameters)

    def _shown(self, api: ManagedApi, name: str, form: str) -> Mapping[str, object]:
        found = types.type_of(api.definition.schema, name)
        members: dict[str, object] = {
            "name": name,
            "arn": self._plane.arn(api.api_id, "types", name),
            "definition": found.sdl if form == "SDL" else types.type_json(api.definition.schema, name),
            "format": form,
        }
        return members | ({} if found.description is None else {"description": found.description})


def _sdl(call: Call) -> str:
    """Raises CallerError for a definition in JSON."""
    if call.parameters["format"] != "SDL":
        raise bad_request("callpark reads type definitions in SDL only.")
    return str(call.parameters["definition"])
