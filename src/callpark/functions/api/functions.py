"""CreateFunction, GetFunction, GetFunctionConfiguration, ListFunctions, UpdateFunctionCode,
UpdateFunctionConfiguration, DeleteFunction: translate and call the service.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html and its neighbours
"""

import logging
from collections.abc import Mapping

from callpark.functions import changes, names, refusals, versions
from callpark.functions.api import parameters
from callpark.functions.api.pages import page
from callpark.functions.api.presentation import Presentation
from callpark.functions.model import Archive, Function, Version
from callpark.functions.service import Functions
from callpark.kernel.operations import Call, OperationTable

_log = logging.getLogger("callpark")

_PAGE = 50


class FunctionOperations:
    def __init__(self, functions: Functions, presentation: Presentation) -> None:
        self._functions = functions
        self._administration = functions.administration
        self._publishing = functions.publishing
        self._presentation = presentation
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
            await self._functions.uploads.archive(code if isinstance(code, Mapping) else {}, call.operation),
            tags=_tags(given.get("Tags")),
            inert=inert,
        )
        self._warn(name, inert)
        version = versions.latest(created)
        if given.get("Publish") is True:
            version, _ = await self._publishing.publish(name)
        return self._presentation.configuration(version, self._functions.arn(name), "created")

    async def get(self, call: Call) -> Mapping[str, object]:
        function, version, arn = self._find(call)
        members: dict[str, object] = {
            "Configuration": self._shown(version, arn),
            "Code": self._code(version),
        }
        if function.tags:
            members["Tags"] = dict(function.tags)
        if function.reserved_concurrency is not None:
            members["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
        return members

    async def get_configuration(self, call: Call) -> Mapping[str, object]:
        _, version, arn = self._find(call)
        return self._shown(version, arn)

    async def list_functions(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        every = given.get("FunctionVersion") == "ALL"
        if given.get("MasterRegion") is not None:
            if not every:
                raise refusals.invalid_parameter("FunctionVersion must be set to ALL when MasterRegion is specified.")
            return {"Functions": []}  # only replicas of Lambda@Edge functions have a master
        listed: dict[str, tuple[Version, str]] = {}
        for function in self._functions.functions():
            name = function.configuration.name
            arn = self._functions.arn(name)
            listed[name] = versions.latest(function), f"{arn}:{names.LATEST}" if every else arn
            for version in function.versions.values() if every else ():
                listed[f"{name}:{int(version.number):010d}"] = version, f"{arn}:{version.number}"
        shown, following = page(sorted(listed), given.get("Marker"), given.get("MaxItems"), _PAGE)
        functions = [self._presentation.listed(*listed[key]) for key in sorted(shown)]
        return {"Functions": functions} if following is None else {"Functions": functions, "NextMarker": following}

    async def update_code(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        name = self._unqualified(call)
        inert = parameters.inert(given)
        updated = await self._administration.update_code(
            name,
            await self._functions.uploads.archive(given, call.operation),
            inert=inert,
            revision_id=_text(given.get("RevisionId")),
            dry_run=given.get("DryRun") is True,
        )
        self._warn(name, inert)
        arn = self._functions.arn(name)
        if given.get("Publish") is True and given.get("DryRun") is not True:
            version, phase = await self._publishing.publish(name)
            return self._presentation.configuration(version, f"{arn}:{version.number}", phase)
        return self._presentation.configuration(versions.latest(updated), arn, "updated")

    async def update_configuration(self, call: Call) -> Mapping[str, object]:
        given = call.parameters
        name = self._unqualified(call)
        edit = parameters.converted(parameters.Configuration, given).edit()
        inert = parameters.inert(given)
        before = self._functions.function(name)
        updated = await self._administration.update_configuration(
            name, edit, inert=inert, revision_id=_text(given.get("RevisionId"))
        )
        self._warn(name, inert)
        members = self._presentation.configuration(versions.latest(updated), self._functions.arn(name), "updated")
        if edit.dead_letter_target == "" and before.configuration.dead_letter_target is not None:
            # The answer of the very call that removes the queue still shows it (recorded).
            members["DeadLetterConfig"] = {"TargetArn": before.configuration.dead_letter_target}
        return members

    async def delete(self, call: Call) -> Mapping[str, object]:
        given, qualifier = str(call.parameters["FunctionName"]), _text(call.parameters.get("Qualifier"))
        asked = names.parse(given, qualifier, self._functions.place)
        if asked.qualifier is None:
            await self._administration.delete_function(given)
            return {"StatusCode": 204}
        function = self._functions.function(given, qualifier)
        if asked.qualifier == names.LATEST:
            raise refusals.invalid_parameter("$LATEST version cannot be deleted without deleting the function.")
        if asked.qualifier in function.aliases:
            raise refusals.invalid_parameter("Deletion of aliases is not currently supported.")
        await self._publishing.delete_version(function.configuration.name, asked.qualifier)
        return {"StatusCode": 204}

    def _find(self, call: Call) -> tuple[Function, Version, str]:
        """The function, the version to show, and its ARN as the caller qualified it."""
        given, qualifier = str(call.parameters["FunctionName"]), _text(call.parameters.get("Qualifier"))
        function, version = self._functions.version(given, qualifier)
        arn = self._functions.arn(function.configuration.name)
        asked = names.parse(given, qualifier, self._functions.place).qualifier
        return function, version, arn if asked is None else f"{arn}:{asked}"

    def _shown(self, version: Version, arn: str) -> dict[str, object]:
        phase = self._functions.transitions.phase(version.configuration.name, version.number)
        return self._presentation.configuration(version, arn, phase)

    def _code(self, version: Version) -> dict[str, object]:
        """Where an uploaded package can be downloaded; code that lies in a project's directory cannot."""
        if not isinstance(version.code, Archive):
            return {"RepositoryType": "S3"}
        return {"RepositoryType": "S3", "Location": self._presentation.package_address(version.code)}

    def _unqualified(self, call: Call) -> str:
        reference = names.parse(str(call.parameters["FunctionName"]), None, self._functions.place)
        if reference.qualifier is not None:
            raise refusals.invalid_parameter(
                "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
                "operation. Please specify either a function name or an unqualified function ARN."
            )
        return self._functions.function(str(call.parameters["FunctionName"])).configuration.name

    def _warn(self, name: str, inert: Mapping[str, object]) -> None:
        found = parameters.inert_warnings(name, inert)
        without_layers = self._functions.layers.warning(self._functions.function(name).configuration)
        for warning in (*found, *([without_layers] if without_layers else [])):
            if warning not in self._warned:
                self._warned.add(warning)
                _log.warning("%s", warning)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _tags(value: object) -> dict[str, str]:
    return {str(key): str(text) for key, text in value.items()} if isinstance(value, Mapping) else {}
