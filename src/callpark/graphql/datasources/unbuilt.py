"""Data source types that callpark does not have yet: the API loads, and a field that needs one says so."""

from collections.abc import Mapping

from callpark.graphql.datasources.port import Outcome
from callpark.graphql.failures import FieldFailure


class UnbuiltSource:
    def __init__(self, name: str, kind: str) -> None:
        self._message = f"callpark does not have data sources of type {kind} yet (data source {name})"

    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        raise FieldFailure(self._message, "UnsupportedDataSource")
