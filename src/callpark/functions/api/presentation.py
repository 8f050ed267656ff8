"""How this server shows functions: what shapes need beyond the function itself.

Used by the operations in this folder.
"""

from callpark.functions.api.shapes import Shown, configuration_members
from callpark.functions.model import Archive, Version
from callpark.functions.service import Functions
from callpark.functions.transitions import Phase

PACKAGE_PREFIX = "/_code/"


class Presentation:
    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def configuration(self, version: Version, arn: str, phase: Phase = "current") -> dict[str, object]:
        """FunctionConfiguration; `arn` is qualified as the caller asked."""
        sizes = self._functions.layers.sizes(version.configuration)
        return configuration_members(version, Shown(arn, self._functions.place, sizes, phase))

    def listed(self, version: Version, arn: str) -> dict[str, object]:
        """In a list: without states, as API_ListFunctions says."""
        members = self.configuration(version, arn)
        for state in ("State", "LastUpdateStatus"):
            members.pop(state)
        return members

    def package_address(self, code: Archive) -> str:
        """Where an uploaded package can be downloaded."""
        return f"{self._functions.base_url}{PACKAGE_PREFIX}{code.digest}"
