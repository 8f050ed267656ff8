"""The relational data source on a real PostgreSQL and on SQLite: the RDS Data API's shapes. Reference §5.2, §8."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.graphql.datasources.databases.placeholders import rewritten
from callpark.graphql.datasources.databases.pool import NamedDatabases
from callpark.graphql.datasources.port import Outcome
from callpark.graphql.datasources.relational import RelationalSource
from callpark.graphql.failures import FieldFailure
from callpark.graphql.model import DatabaseConfig
from callpark.kernel.clock import VirtualClock
from callpark.kernel.errors import ProjectError
from callpark.kernel.limits import AppSyncLimits
from tests.graphql.datasources.postgres import postgres_server

pytestmark = pytest.mark.process

CLUSTER = "arn:aws:rds:us-east-1:123456789012:cluster:books"
LIMITS = AppSyncLimits()


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with postgres_server() as server:
        yield server.get_uri()


@pytest.fixture(params=["postgresql", "sqlite"])
async def source(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RelationalSource]:
    """An empty table `books` behind the cluster."""
    url = f"sqlite:///{tmp_path}/books.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")
    databases = NamedDatabases({CLUSTER: url}, VirtualClock(), LIMITS)
    made = RelationalSource(DatabaseConfig(CLUSTER), databases, LIMITS.evaluated_bytes)
    await results(made, "DROP TABLE IF EXISTS books")
    await results(made, "CREATE TABLE books (id INTEGER PRIMARY KEY, title TEXT, price DOUBLE PRECISION, sold BOOLEAN)")
    yield made
    databases.close()


async def ask(source: RelationalSource, *statements: str, **more: Any) -> Outcome:
    return await source.call({"statements": list(statements), **more}, 0.0)


async def results(source: RelationalSource, *statements: str, **variables: Any) -> Any:
    outcome = await ask(source, *statements, variableMap={f":{name}": value for name, value in variables.items()})
    assert outcome.error is None, outcome.error
    assert isinstance(outcome.result, str), "the result is JSON text"
    return json.loads(outcome.result)["sqlStatementResults"]


INSERT = "INSERT INTO books (id, title, price, sold) VALUES (:id, :title, :price, :sold)"


async def test_rows_go_in_and_come_back_as_fields(source: RelationalSource) -> None:
    inserted, selected = await results(
        source, INSERT, "SELECT id, title AS name, price, sold FROM books", id=1, title="a", price=1.5, sold=None
    )  # fmt: skip
    assert (inserted["records"], inserted["columnMetadata"], inserted["numberOfRecordsUpdated"]) == ([], [], 1)
    assert selected["records"] == [[{"longValue": 1}, {"stringValue": "a"}, {"doubleValue": 1.5}, {"isNull": True}]]
    assert selected["numberOfRecordsUpdated"] == 0
    columns = selected["columnMetadata"]
    assert [each["name"] for each in columns] == [each["label"] for each in columns] == ["id", "name", "price", "sold"]
    assert set(columns[0]) == {
        "arrayBaseColumnType", "isAutoIncrement", "isCaseSensitive", "isCurrency", "isSigned", "label", "name",
        "nullable", "precision", "scale", "schemaName", "tableName", "type", "typeName",
    }  # fmt: skip
    assert [each["type"] for each in columns[:3]] == [4, 12, 8]


async def test_values_are_bound_never_written(source: RelationalSource) -> None:
    evil = "'; DROP TABLE books; -- %s :id"
    await results(source, INSERT, id=1, title=evil, price=0.0, sold=True)
    (found,) = await results(source, "SELECT title FROM books WHERE title = :title", title=evil)
    assert found["records"] == [[{"stringValue": evil}]]
    (found,) = await results(source, "SELECT title FROM books WHERE title LIKE '%; DROP%' AND ':id' <> '::'")
    assert len(found["records"]) == 1


async def test_updates_count_and_returning_returns(source: RelationalSource) -> None:
    for number in range(3):
        await results(source, INSERT, id=number, title="t", price=0.0, sold=False)
    (updated,) = await results(source, "UPDATE books SET title = :t WHERE id > :id", t="new", id=0)
    assert updated["numberOfRecordsUpdated"] == 2
    (deleted,) = await results(source, "DELETE FROM books WHERE id = :id RETURNING title", id=1)
    assert deleted["records"] == [[{"stringValue": "new"}]]


async def test_objects_are_bound_as_json_text(source: RelationalSource) -> None:
    (found,) = await results(source, INSERT + " RETURNING title", id=1, title={"a": [1]}, price=0.0, sold=False)
    assert found["records"] == [[{"stringValue": '{"a":[1]}'}]]


async def test_a_statement_that_fails_is_ctx_error_and_what_was_done_stays(source: RelationalSource) -> None:
    variables = {"id": 1, "title": "t", "price": 0, "sold": False}
    outcome = await ask(source, INSERT, "SELECT nothing FROM nowhere", variableMap=variables)
    assert outcome.result is None
    assert outcome.error is not None
    assert outcome.error.type == "400 Bad Request"
    assert json.loads(outcome.error.message.removeprefix("RDSHttp:"))["message"].startswith("ERROR: ")
    (found,) = await results(source, "SELECT count(*) FROM books")
    assert found["records"] == [[{"longValue": 1}]], "there is no transaction, as on AppSync"


async def test_many_at_once(source: RelationalSource) -> None:
    import asyncio

    await asyncio.gather(
        *(results(source, INSERT, id=number, title="t", price=0.0, sold=False) for number in range(40))
    )
    (found,) = await results(source, "SELECT count(*) FROM books")
    assert found["records"] == [[{"longValue": 40}]]


@pytest.fixture
async def pg(postgres: str) -> AsyncIterator[RelationalSource]:
    databases = NamedDatabases({"books": postgres}, VirtualClock(), LIMITS)
    yield RelationalSource(DatabaseConfig(CLUSTER, "postgres"), databases, LIMITS.evaluated_bytes)
    databases.close()


@pytest.mark.parametrize(
    ("hint", "value", "type_name", "shown"),
    [
        ("DATE", "2026-01-02", "date", "2026-01-02"),
        ("DECIMAL", "1.50", "numeric", "1.50"),
        ("JSON", '{"a": 1}', "jsonb", '{"a":1}'),
        ("TIME", "03:04:05", "time", "03:04:05"),
        ("TIMESTAMP", "2026-01-02 03:04:05", "timestamp", "2026-01-02 03:04:05"),
        ("UUID", "8b4fb2ac-9f5c-4c1d-9a1c-0f6f0a3c3c3c", "uuid", "8b4fb2ac-9f5c-4c1d-9a1c-0f6f0a3c3c3c"),
    ],
)
async def test_type_hints(pg: RelationalSource, hint: str, value: str, type_name: str, shown: str) -> None:
    outcome = await ask(pg, "SELECT :v AS v", variableMap={":v": value}, variableTypeHintMap={":v": hint})
    assert isinstance(outcome.result, str)
    (found,) = json.loads(outcome.result)["sqlStatementResults"]
    assert found["records"] == [[{"stringValue": shown}]]
    assert found["columnMetadata"][0]["typeName"] == type_name


async def test_what_postgresql_gives_besides(pg: RelationalSource) -> None:
    (found,) = await results(
        pg, "SELECT true, 9007199254740993::bigint, 'NaN'::float8, '\\x01'::bytea, ARRAY[1,2], ARRAY['a'], 1 - 1"
    )  # fmt: skip
    assert found["records"] == [
        [
            {"booleanValue": True},
            {"longValue": 9007199254740993},
            {"stringValue": "nan"},
            {"blobValue": "AQ=="},
            {"arrayValue": {"longValues": [1, 2]}},
            {"arrayValue": {"stringValues": ["a"]}},
            {"longValue": 0},
        ]
    ]


async def test_a_connection_that_broke_is_made_anew(pg: RelationalSource, postgres: str) -> None:
    import psycopg

    await results(pg, "SELECT 1")
    with psycopg.connect(postgres, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    outcomes = [await ask(pg, "SELECT 1") for _ in range(2 * LIMITS.database_connections)]
    assert outcomes[-1].error is None
    assert sum(each.error is not None for each in outcomes) <= LIMITS.database_connections


async def test_the_statement_that_never_ends_is_ended_by_the_database(postgres: str) -> None:
    limits = AppSyncLimits(request_seconds=0.2)
    databases = NamedDatabases({"books": postgres}, VirtualClock(), limits)
    outcome = await ask(RelationalSource(DatabaseConfig("books"), databases, 1000), "SELECT pg_sleep(60)")
    databases.close()
    assert outcome.error is not None
    assert "statement timeout" in outcome.error.message


async def test_a_result_that_is_too_large(pg: RelationalSource) -> None:
    small = RelationalSource(DatabaseConfig("books"), pg._databases, 100)
    outcome = await ask(small, "SELECT repeat('x', 200)")
    assert outcome.error is not None
    assert outcome.error.message == "RDSHttp:The result is larger than 100 bytes."


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/x", "sqlite:////nowhere/at/all/x.db"])
async def test_a_database_that_cannot_be_reached(url: str) -> None:
    databases = NamedDatabases({"books": url}, VirtualClock(), LIMITS)
    outcome = await ask(RelationalSource(DatabaseConfig("books"), databases, 1000), "SELECT 1")
    databases.close()
    assert outcome.error is not None
    assert outcome.error.type == "400 Bad Request"


async def test_a_cluster_without_a_database_says_what_to_write() -> None:
    databases = NamedDatabases({}, VirtualClock(), LIMITS)
    outcome = await ask(RelationalSource(DatabaseConfig(CLUSTER), databases, 1000), "SELECT 1")
    assert outcome.error is not None
    assert outcome.error.type == "RDSHttp:ServiceUnavailable"
    assert "--database books=postgresql://" in outcome.error.message


@pytest.mark.parametrize(
    ("named", "cluster", "database", "found"),
    [
        ("books", CLUSTER, None, True),
        (CLUSTER, CLUSTER, "any", True),
        ("books", "books", None, True),
        ("books/shop", CLUSTER, "shop", True),
        ("books/shop", CLUSTER, "other", False),
        ("books/shop", CLUSTER, None, False),
        ("other", CLUSTER, None, False),
    ],
)
def test_which_database_stands_for_a_cluster(named: str, cluster: str, database: str | None, *, found: bool) -> None:
    databases = NamedDatabases({named: "sqlite:///:memory:"}, VirtualClock(), LIMITS)
    assert (databases.find(cluster, database) is not None) is found
    databases.close()


@pytest.mark.parametrize("url", ["mysql://x", "books.db", ""])
def test_urls_of_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ProjectError, match="the database books"):
        NamedDatabases({"books": url}, VirtualClock(), LIMITS)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, "between 1 and 2 statements, this one has 0"),
        ({"statements": ["a", "b", "c"]}, "this one has 3"),
        ({"statements": [1]}, r"\$\[statements\]\[0\]"),
        ({"statements": ["a"], "variableMap": []}, "variableMap"),
        ({"statements": ["a"], "variableTypeHintMap": {":a": "BLOB"}}, "not 'BLOB'"),
    ],
)
async def test_requests_that_are_not_understood(request_: dict[str, Any], words: str) -> None:
    databases = NamedDatabases({}, VirtualClock(), LIMITS)
    with pytest.raises(FieldFailure, match=words):
        await RelationalSource(DatabaseConfig(CLUSTER), databases, 1000).call(request_, 0.0)


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("SELECT :a", "SELECT <a>"),
        ("SELECT :a, :b", "SELECT <a>, :b"),
        ("SELECT ':a', \":a\", :a", "SELECT ':a', \":a\", <a>"),
        ("SELECT '''' || :a || ':a'", "SELECT '''' || <a> || ':a'"),
        (r"SELECT E'\':a', :a", r"SELECT E'\':a', <a>"),
        ("SELECT :a::text -- :a\n, :a /* :a */", "SELECT <a>::text -- :a\n, <a> /* :a */"),
        ("SELECT $$ :a $$, $x$ :a $$ :a $x$, :a", "SELECT $$ :a $$, $x$ :a $$ :a $x$, <a>"),
        ("SELECT 5 % 2, '%', :a", "SELECT 5 %% 2, '%%', <a>"),
        ("SELECT a[1:2], :a", "SELECT a[1:2], <a>"),
        ("SELECT ':a", "SELECT '<a>"),
    ],
)
def test_variables_are_found_where_sql_has_them(written: str, sent: str) -> None:
    assert rewritten(written, lambda name: f"<{name}>" if name == "a" else None) == sent


@given(st.text(alphabet=":a'\"$-/*E\\% \n", max_size=40))
def test_without_variables_only_percent_signs_change(statement: str) -> None:
    assert rewritten(statement, lambda name: None) == statement.replace("%", "%%")
