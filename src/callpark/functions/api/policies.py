"""AddPermission, RemovePermission, GetPolicy: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html
"""

from collections.abc import Mapping

import msgspec
import orjson

from callpark.functions import policies
from callpark.functions.api import parameters
from callpark.functions.policies import Grant
from callpark.functions.service import Functions
from callpark.kernel.operations import Call, OperationTable


class _Add(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    statement_id: str
    action: str
    principal: str
    qualifier: str | None = None
    source_arn: str | None = None
    source_account: str | None = None
    event_source_token: str | None = None
    revision_id: str | None = None
    principal_org_id: str | None = msgspec.field(default=None, name="PrincipalOrgID")
    function_url_auth_type: str | None = None
    invoked_via_function_url: bool | None = None

    def grant(self) -> Grant:
        via_url = None if self.invoked_via_function_url is None else str(self.invoked_via_function_url).lower()
        told = (
            ("StringEquals", "lambda:EventSourceToken", self.event_source_token),
            ("StringEquals", "AWS:SourceAccount", self.source_account),
            ("StringEquals", "aws:PrincipalOrgID", self.principal_org_id),
            ("StringEquals", "lambda:FunctionUrlAuthType", self.function_url_auth_type),
            ("Bool", "lambda:InvokedViaFunctionUrl", via_url),
            ("ArnLike", "AWS:SourceArn", self.source_arn),
        )
        conditions: dict[str, dict[str, str]] = {}
        for operator, key, value in told:
            if value is not None:
                conditions.setdefault(operator, {})[key] = value
        return Grant(self.statement_id, self.action, self.principal, conditions, self.revision_id)


class _Named(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str | None = None
    statement_id: str = ""
    revision_id: str | None = None


class PolicyOperations:
    def __init__(self, functions: Functions) -> None:
        self._policies = functions.policies

    def table(self) -> OperationTable:
        return {
            ("lambda", "AddPermission"): self.add,
            ("lambda", "GetPolicy"): self.get,
            ("lambda", "RemovePermission"): self.remove,
        }

    async def add(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Add, call.parameters)
        made = await self._policies.add(request.function_name, request.qualifier, request.grant())
        return {"Statement": orjson.dumps(made).decode()}

    async def get(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Named, call.parameters)
        policy = self._policies.get(request.function_name, request.qualifier)
        return {"Policy": policies.document(policy), "RevisionId": policy.revision_id}

    async def remove(self, call: Call) -> Mapping[str, object]:
        request = parameters.converted(_Named, call.parameters)
        await self._policies.remove(request.function_name, request.qualifier, request.statement_id, request.revision_id)
        return {}
