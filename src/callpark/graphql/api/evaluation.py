"""EvaluateCode and EvaluateMappingTemplate, for teams' unit tests of resolvers.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_EvaluateCode.html, …/API_EvaluateMappingTemplate.html
"""

from collections.abc import Mapping
from typing import cast

from callpark.graphql.control.plane import ControlPlane
from callpark.graphql.control.resolvers import check_runtime
from callpark.graphql.runtimes.evaluating import Evaluated
from callpark.kernel.operations import Call, OperationTable


class EvaluationOperations:
    def __init__(self, plane: ControlPlane) -> None:
        self._service = plane.service

    def table(self) -> OperationTable:
        return {
            ("appsync", "EvaluateCode"): self.code,
            ("appsync", "EvaluateMappingTemplate"): self.template,
        }

    async def code(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        check_runtime(cast("Mapping[str, object]", given["runtime"]))
        function = cast("str | None", given.get("function"))
        return _members(await self._service.evaluate_code(str(given["code"]), str(given["context"]), function))

    async def template(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        return _members(await self._service.evaluate_template(str(given["template"]), str(given["context"])))


def _members(evaluated: Evaluated) -> Mapping[str, object]:
    members: dict[str, object] = {"logs": list(evaluated.logs)}
    texts = {"evaluationResult": evaluated.result, "stash": evaluated.stash, "outErrors": evaluated.out_errors}
    members |= {name: text for name, text in texts.items() if text is not None}
    if evaluated.error is not None:
        error: dict[str, object] = {"message": evaluated.error.message}
        if evaluated.error.code_errors:
            error["codeErrors"] = list(evaluated.error.code_errors)
        members["error"] = error
    return members
