"""CreateFunction, GetFunction, GetFunctionConfiguration, ListFunctions, UpdateFunctionCode,
UpdateFunctionConfiguration, DeleteFunction: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html and its neighbours
"""

import logging
from collections.abc import Mapping

from callpark.functions import changes, names, refusals
from callpark.functions.api import parameters
from callpark.functions.api.pages import page
from callpark.functions.api.shapes import configuration_members
from callpark.functions.model import Function
from callpark.functions.service import Functions
from callpark.kernel.operations import Call, OperationTable

_log = logging.getLogger("callpark")

_PUBLISH = "Publish: versions are not kept yet; the function runs as $LATEST"
_PAGE = 50


class FunctionOperations:
    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._administration = functions.administration
        self._warned: set[str] = set()

    def table(self) -> OperationTable:
        return {
            ("lambda", "CreateFunction"): self.create,
            ("lambda", "GetFunction"): self.get,
            ("lambda", "GetFunctionConfiguration"): self.get_configuration,
            ("lambda", "ListFunctions"): self.list_functions,
            ("lambda", "UpdateFunctionCode"): self.update_code,
            ("lambda", "UpdateFunctionConfiguration"): self.update_configuration,
            ("lambda", "DeleteFunction"): self.delete,
        }

    async def create(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        name = names.parse_new(str(given["FunctionName"]), self._functions.place)
        edit = parameters.converted(parameters.Configuration, given).edit()
        inert = parameters.inert(given)
        code = given.get("Code")
        created = await self._administration.create_function(
            changes.edited(parameters.blank(name), edit),
            parameters.zip_file(code if isinstance(code, Mapping) else {}),
            tags=_tags(given.get("Tags")),
            inert=inert,
        )
        self._warn(name, given, inert)
        return configuration_members(created, self._functions.arn(name), self._functions.place, "created")

    async def get(self, call: Call) -> Mapping[str, object]:
        function, arn = self._find(call)
        members: dict[str, object] = {
            "Configuration": configuration_members(function, arn, self._functions.place),
            "Code": {"RepositoryType": "S3"},
        }
        if function.tags:
            members["Tags"] = dict(function.tags)
        if function.reserved_concurrency is not None:
            members["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
        return members

    async def get_configuration(self, call: Call) -> Mapping[str, object]:
        function, arn = self._find(call)
        return configuration_members(function, arn, self._functions.place)

    async def list_functions(self, call: Call) -> Mapping[str, object]:
        functions = self._functions.functions()
        all_versions = call.parameters.get("FunctionVersion") == "ALL"
        marker, limit = call.parameters.get("Marker"), call.parameters.get("MaxItems")
        found, following = page([f.configuration.name for f in functions], marker, limit, _PAGE)
        listed = []
        for function in functions:
            if (name := function.configuration.name) in found:
                arn = self._functions.arn(name)
                members = configuration_members(
                    function, f"{arn}:{names.LATEST}" if all_versions else arn, self._functions.place
                )
                for state in ("State", "LastUpdateStatus"):  # ListFunctions leaves them out (API_ListFunctions)
                    members.pop(state)
                listed.append(members)
        return {"Functions": listed} if following is None else {"Functions": listed, "NextMarker": following}

    async def update_code(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        name = self._unqualified(call)
        updated = await self._administration.update_code(
            name,
            parameters.zip_file(given),
            revision_id=_text(given.get("RevisionId")),
            dry_run=given.get("DryRun") is True,
        )
        self._warn(name, given, {})
        return configuration_members(updated, self._functions.arn(name), self._functions.place, "updated")

    async def update_configuration(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        name = self._unqualified(call)
        edit = parameters.converted(parameters.Configuration, given).edit()
        inert = parameters.inert(given)
        before = self._functions.function(name)
        updated = await self._administration.update_configuration(
            name, edit, inert=inert, revision_id=_text(given.get("RevisionId"))
        )
        self._warn(name, given, inert)
        members = configuration_members(updated, self._functions.arn(name), self._functions.place, "updated")
        if edit.dead_letter_target == "" and before.configuration.dead_letter_target is not None:
            # The answer of the very call that removes the queue still shows it (recorded).
            members["DeadLetterConfig"] = {"TargetArn": before.configuration.dead_letter_target}
        return members

    async def delete(self, call: Call) -> Mapping[str, object]:
        await self._administration.delete_function(
            str(call.parameters["FunctionName"]), _text(call.parameters.get("Qualifier"))
        )
        return {"StatusCode": 204}

    def _find(self, call: Call) -> tuple[Function, str]:
        """The function and its ARN, qualified as the caller asked."""
        given, qualifier = str(call.parameters["FunctionName"]), _text(call.parameters.get("Qualifier"))
        function = self._functions.function(given, qualifier)
        arn = self._functions.arn(function.configuration.name)
        asked = names.parse(given, qualifier, self._functions.place).qualifier
        return function, arn if asked is None else f"{arn}:{asked}"

    def _unqualified(self, call: Call) -> str:
        reference = names.parse(str(call.parameters["FunctionName"]), None, self._functions.place)
        if reference.qualifier is not None:
            raise refusals.invalid_parameter(
                "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
                "operation. Please specify either a function name or an unqualified function ARN."
            )
        return self._functions.function(reference.name).configuration.name

    def _warn(self, name: str, given: Mapping[str, object], inert: Mapping[str, object]) -> None:
        warnings = parameters.inert_warnings(name, inert)
        if given.get("Publish") is True:
            warnings.append(f"function {name}: {_PUBLISH}")
        for warning in warnings:
            if warning not in self._warned:
                self._warned.add(warning)
                _log.warning("%s", warning)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _tags(value: object) -> dict[str, str]:
    return {str(key): str(text) for key, text in value.items()} if isinstance(value, Mapping) else {}
