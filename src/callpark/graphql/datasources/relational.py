"""RELATIONAL_DATABASE: the RDS Data API's shapes on a database of the user's. Used by `resolvers/`.

The result is JSON text, as AppSync gives it: `util.rds.toJsonObject` and `toJsonString` read it.
https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-rds-js.html
"""

from collections.abc import Mapping

import orjson

from callpark.graphql.datasources.port import (
    Database,
    DatabaseFailure,
    Databases,
    Outcome,
    SourceError,
    StatementResult,
)
from callpark.graphql.datasources.requests import Document, invalid, items, kind, mapping, string_map
from callpark.graphql.model import DatabaseConfig

_MOST_STATEMENTS = 2
_HINTS = ("DATE", "DECIMAL", "JSON", "TIME", "TIMESTAMP", "UUID")


class RelationalSource:
    """One cluster as a data source. Statements run one after the other, each durable by itself."""

    def __init__(self, config: DatabaseConfig, databases: Databases, most_bytes: int) -> None:
        self._config = config
        self._databases = databases
        self._most_bytes = most_bytes

    async def call(self, request: Mapping[str, object], deadline: float) -> Outcome:
        statements = _statements(request)
        variables = {_name(name): value for name, value in (mapping(request, "variableMap") or {}).items()}
        hints = {_name(name): hint for name, hint in string_map(request, "variableTypeHintMap").items()}
        for name, hint in hints.items():
            if hint not in _HINTS:
                raise invalid(f"The type hint of '{name}' is one of {', '.join(_HINTS)}, not '{hint}'.")
        database = self._databases.find(self._config.cluster, self._config.database)
        if database is None:
            return Outcome(error=SourceError(_unknown(self._config), "RDSHttp:ServiceUnavailable"))
        return await self._run(database, statements, variables, hints)

    async def _run(
        self, database: Database, statements: list[str], variables: Document, hints: Mapping[str, str]
    ) -> Outcome:
        results: list[dict[str, object]] = []
        for statement in statements:
            try:
                results.append(_members(await database.execute(statement, variables, hints)))
            except DatabaseFailure as failure:
                message = orjson.dumps({"message": str(failure)}).decode()
                return Outcome(error=SourceError(f"RDSHttp:{message}", "400 Bad Request"))
        text = orjson.dumps({"sqlStatementResults": results})
        if len(text) > self._most_bytes:
            message = f"RDSHttp:The result is larger than {self._most_bytes} bytes."
            return Outcome(error=SourceError(message, "400 Bad Request"))
        return Outcome(text.decode())


def _statements(request: Document) -> list[str]:
    found = items(request, "statements") or ()
    if not 1 <= len(found) <= _MOST_STATEMENTS:
        raise invalid(f"A request has between 1 and {_MOST_STATEMENTS} statements, this one has {len(found)}.")
    statements: list[str] = []
    for index, statement in enumerate(found):
        if not isinstance(statement, str):
            raise invalid(f"Expected JSON string for field '$[statements][{index}]' but got {kind(statement)} instead.")
        statements.append(statement)
    return statements


def _members(result: StatementResult) -> dict[str, object]:
    members: dict[str, object] = {
        "records": result.records,
        "columnMetadata": result.columns,
        "numberOfRecordsUpdated": result.updated,
    }
    return {**members, "generatedFields": result.generated} if result.generated else members


def _name(written: str) -> str:
    return written.removeprefix(":")


def _unknown(config: DatabaseConfig) -> str:
    return (
        f"No database stands for the cluster {config.cluster}: name one with "
        f"--database {config.cluster.rpartition(':')[2] or 'NAME'}=postgresql://… or =sqlite:///path"
    )
