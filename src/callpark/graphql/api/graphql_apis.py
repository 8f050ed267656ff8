"""CreateGraphqlApi and its family, environment variables and tags: translate and call the control plane.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_CreateGraphqlApi.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast
from urllib.parse import urlsplit

from callpark.graphql.api.pages import page
from callpark.graphql.control import changes, settings
from callpark.graphql.control.model import ManagedApi, Members
from callpark.graphql.control.plane import ControlPlane
from callpark.graphql.model import ApiDefinition
from callpark.graphql.urls import graphql_url, realtime_url
from callpark.kernel.arn import Arn
from callpark.kernel.errors import CallerError
from callpark.kernel.operations import Call, OperationTable


class GraphqlApiOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def table(self) -> OperationTable:
        return {
            ("appsync", "CreateGraphqlApi"): self.create,
            ("appsync", "GetGraphqlApi"): self.get,
            ("appsync", "ListGraphqlApis"): self.list_apis,
            ("appsync", "UpdateGraphqlApi"): self.update,
            ("appsync", "DeleteGraphqlApi"): self.delete,
            ("appsync", "PutGraphqlApiEnvironmentVariables"): self.put_environment,
            ("appsync", "GetGraphqlApiEnvironmentVariables"): self.get_environment,
            ("appsync", "TagResource"): self.tag,
            ("appsync", "UntagResource"): self.untag,
            ("appsync", "ListTagsForResource"): self.list_tags,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        members = {name: value for name, value in call.parameters.items() if name != "tags"}
        tags = cast("Mapping[str, str]", call.parameters.get("tags") or {})

        def make() -> ManagedApi:
            made = sum(not each.declared for each in self._plane.apis())
            if made >= self._plane.limits.apis:
                message = f"Only {self._plane.limits.apis} GraphQL APIs are allowed in a Region."
                raise CallerError("ApiLimitExceededException", 400, message)
            definition = ApiDefinition(self._plane.token(), "", (), "")
            return ManagedApi(settings.with_settings(definition, members), members, tags=dict(tags))

        api = await self._plane.add(make)
        self._plane.warn_inert(f"GraphQL API {members['name']}", settings.inert(members))
        return {"graphqlApi": self._shown(api)}

    async def get(self, call: Call) -> Mapping[str, object]:
        return {"graphqlApi": self._shown(self._plane.api(str(call.parameters["apiId"])))}

    async def list_apis(self, call: Call) -> Mapping[str, object]:
        foreign = call.parameters.get("apiType") == "MERGED" or call.parameters.get("owner") == "OTHER_ACCOUNTS"
        apis = () if foreign else self._plane.apis()
        return page("graphqlApis", apis, lambda api: api.api_id, self._shown, call.parameters)

    async def update(self, call: Call) -> Mapping[str, object]:
        members = {name: value for name, value in call.parameters.items() if name != "apiId"}

        def change(api: ManagedApi) -> ManagedApi:
            fixed = {name: api.settings[name] for name in ("visibility", "apiType") if name in api.settings}
            return changes.put_settings(api, {"authenticationType": api.definition.default_mode, **members, **fixed})

        api = await self._plane.change(str(call.parameters["apiId"]), change)
        self._plane.warn_inert(f"GraphQL API {members['name']}", settings.inert(members))
        return {"graphqlApi": self._shown(api)}

    async def delete(self, call: Call) -> Mapping[str, object]:
        await self._plane.remove(str(call.parameters["apiId"]))
        return {}

    async def put_environment(self, call: Call) -> Mapping[str, object]:
        variables = cast("Mapping[str, str]", call.parameters["environmentVariables"])
        limits = self._plane.limits
        await self._plane.change(
            str(call.parameters["apiId"]), lambda api: changes.put_environment(api, variables, limits)
        )
        return {"environmentVariables": dict(variables)}

    async def get_environment(self, call: Call) -> Mapping[str, object]:
        return {"environmentVariables": dict(self._plane.api(str(call.parameters["apiId"])).definition.environment)}

    async def tag(self, call: Call) -> Mapping[str, object]:
        added = cast("Mapping[str, str]", call.parameters["tags"])
        await self._plane.change(_api_id(call), lambda api: replace(api, tags={**api.tags, **added}))
        return {}

    async def untag(self, call: Call) -> Mapping[str, object]:
        removed = cast("Sequence[str]", call.parameters["tagKeys"])

        def change(api: ManagedApi) -> ManagedApi:
            return replace(api, tags={key: value for key, value in api.tags.items() if key not in removed})

        await self._plane.change(_api_id(call), change)
        return {}

    async def list_tags(self, call: Call) -> Mapping[str, object]:
        return {"tags": dict(self._plane.api(_api_id(call)).tags)}

    def _shown(self, api: ManagedApi) -> Members:
        base_url, api_id = self._plane.base_url, api.api_id
        urls = {"GRAPHQL": graphql_url(base_url, api_id), "REALTIME": realtime_url(base_url, api_id)}
        defaults = {
            "apiType": "GRAPHQL",
            "visibility": "GLOBAL",
            "xrayEnabled": False,
            "introspectionConfig": "ENABLED",
            "queryDepthLimit": 0,
            "resolverCountLimit": 0,
        }
        return {
            **defaults,
            **api.settings,
            "apiId": api_id,
            "arn": self._plane.arn(api_id),
            "uris": urls,
            "dns": {kind: urlsplit(url).netloc for kind, url in urls.items()},
            "owner": self._plane.place.account,
            "tags": dict(api.tags),
        }


def _api_id(call: Call) -> str:
    """Of an API's ARN."""
    arn = Arn.parse(str(call.parameters["resourceArn"]))
    return "" if arn is None else arn.resource.partition("/")[2]
