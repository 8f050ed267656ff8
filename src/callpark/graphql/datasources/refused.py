"""A data source that callpark cannot use: the API loads, and a field that needs it says why."""

from collections.abc import Mapping

from callpark.graphql.datasources.port import Outcome
from callpark.graphql.failures import FieldFailure


class RefusedSource:
    def __init__(self, why: str) -> None:
        self._why = why

    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        raise FieldFailure(self._why, "UnsupportedDataSource")
