"""The helper modules: requests and SQL as the service builds them. Vectors marked recorded are answers of the service,
kept in a public test suite (localstack/appsync-utils)."""
# ruff: noqa: E501 - tables read better unbroken

from typing import Any

import pytest

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js import surface
from callpark.graphql.runtimes.js.host import JavaScriptHost
from tests.graphql.runtimes.js.test_conformance import CONTEXT
from tests.graphql.runtimes.js.test_hostile import run, unchecked

pytestmark = pytest.mark.unit

HEAD = (
    "import * as ddb from '@aws-appsync/utils/dynamodb';\nimport * as rds from '@aws-appsync/utils/rds';\n"
    "import { invokeModel, converse } from '@aws-appsync/utils/ai';\nexport function request(ctx) {\n  return "
)


async def evaluate(host: JavaScriptHost, expression: str) -> Evaluation:
    done = host.load(HEAD + expression + ";\n}").evaluate("request", CONTEXT, "")
    return done if isinstance(done, Evaluation) else await done


def key(value: str) -> dict[str, Any]:
    return {"id": {"S": value}}


def updated(expression: str, names: list[str], *values: Any) -> dict[str, Any]:
    return {
        "operation": "UpdateItem",
        "key": key("1"),
        "update": {
            "expression": expression,
            "expressionNames": {f"#expName_{n}": name for n, name in enumerate(names, 1)},
            "expressionValues": {f":expValue_{n}": value for n, value in enumerate(values, 1)},
        },
    }


def update(fields: str) -> str:
    return f"ddb.update({{ key: {{ id: '1' }}, update: {{ {fields} }} }})"


NAMED = {
    "expression": "#expName_1, #expName_2.#expName_3",
    "expressionNames": {"#expName_1": "id", "#expName_2": "a", "#expName_3": "b"},
}
EQUAL_1 = {"expression": "(#a = :a_eq)", "expressionNames": {"#a": "a"}, "expressionValues": {":a_eq": {"N": 1}}}
DYNAMODB: list[tuple[str, Any]] = [
    ("ddb.get({ key: { id: 'id' } })", {"operation": "GetItem", "key": key("id")}),
    ("ddb.get({ key: { id: '1' }, consistentRead: true, projection: ['id', 'a.b'] })", {"operation": "GetItem", "key": key("1"), "consistentRead": True, "projection": NAMED}),
    ("ddb.get({ key: { id: '1' }, projection: ['a.b', 'a.c', 'l[0].x'] }).projection", {"expression": "#expName_1.#expName_2, #expName_1.#expName_3, #expName_4[0].#expName_5", "expressionNames": {"#expName_1": "a", "#expName_2": "b", "#expName_3": "c", "#expName_4": "l", "#expName_5": "x"}}),
    ("ddb.put({ key: { id: 'abc' }, item: { value: 10 } })", {"operation": "PutItem", "key": key("abc"), "attributeValues": {"value": {"N": 10}}}),
    ("ddb.put({ key: { id: '1' }, item: { v: 1 }, condition: { v: { attributeExists: true } } }).condition", {"expression": "(attribute_exists(#v))", "expressionNames": {"#v": "v"}}),
    ("ddb.put({ key: { id: '1' }, item: {}, _version: 3, customPartitionKey: 'c', populateIndexFields: true, condition: null })", {"operation": "PutItem", "key": key("1"), "attributeValues": {}, "customPartitionKey": "c", "populateIndexFields": True, "_version": 3}),
    ("ddb.remove({ key: { id: '1' }, _version: 2, condition: { a: { eq: 1 } } })", {"operation": "DeleteItem", "key": key("1"), "condition": EQUAL_1, "_version": 2}),
    ("ddb.scan({ limit: 10, nextToken: 'abc' })", {"operation": "Scan", "limit": 10, "nextToken": "abc"}),
    ("ddb.scan({})", {"operation": "Scan"}),
    ("ddb.scan()", {"operation": "Scan"}),
    ("ddb.scan({ totalSegments: 4, segment: 0, index: 'gsi', consistentRead: true, filter: { a: { eq: 1 } }, nextToken: null })", {"operation": "Scan", "index": "gsi", "consistentRead": True, "segment": 0, "totalSegments": 4, "filter": EQUAL_1}),
    ("ddb.query({ query: { a: { eq: 'x' }, b: { beginsWith: 'y' } } })", {"operation": "Query", "query": {"expression": "(#a = :a_eq) AND (begins_with(#b,:b_beginsWith))", "expressionNames": {"#a": "a", "#b": "b"}, "expressionValues": {":a_eq": {"S": "x"}, ":b_beginsWith": {"S": "y"}}}}),
    ("ddb.query({ query: { a: { eq: 1 } }, index: 'i', limit: 5, nextToken: 't', scanIndexForward: false, select: 'ALL_ATTRIBUTES', projection: ['id', 'a.b'] })", {"operation": "Query", "query": EQUAL_1, "index": "i", "limit": 5, "nextToken": "t", "scanIndexForward": False, "select": "ALL_ATTRIBUTES", "projection": NAMED}),
    ("ddb.sync({ basePartitionKey: 'b', deltaIndexName: 'd', limit: 5, lastSync: 2, filter: { a: { eq: 1 } } })", {"operation": "Sync", "basePartitionKey": "b", "deltaIndexName": "d", "limit": 5, "lastSync": 2, "filter": EQUAL_1}),
    ("ddb.batchGet({ tables: { post: { keys: [{ id: '1' }, { id: '2' }], consistentRead: false, projection: ['id', 'a.b'] } } })", {"operation": "BatchGetItem", "tables": {"post": {"keys": [key("1"), key("2")], "consistentRead": False, "projection": NAMED}}}),
    ("ddb.batchPut({ tables: { post: [{ id: '1', n: 2 }] } })", {"operation": "BatchPutItem", "tables": {"post": [{**key("1"), "n": {"N": 2}}]}}),
    ("ddb.batchDelete({ tables: { post: [{ id: '1' }] } })", {"operation": "BatchDeleteItem", "tables": {"post": [key("1")]}}),
    ("ddb.transactGet({ items: [{ table: 'post', key: { id: '1' }, projection: ['id', 'a.b'] }, { table: 't', key: { id: '2' } }] })", {"operation": "TransactGetItems", "transactItems": [{"table": "post", "key": key("1"), "projection": NAMED}, {"table": "t", "key": key("2")}]}),
    ("ddb.transactWrite({ items: [{ putItem: { table: 'p', key: { id: '1' }, item: { a: 1 } } }, { deleteItem: { table: 'p', key: { id: '2' }, condition: { a: { eq: 1 } } } }] })", {"operation": "TransactWriteItems", "transactItems": [{"table": "p", "operation": "PutItem", "key": key("1"), "attributeValues": {"a": {"N": 1}}}, {"table": "p", "operation": "DeleteItem", "key": key("2"), "condition": EQUAL_1}]}),
    ("ddb.transactWrite({ items: [{ updateItem: { table: 't', key: { id: '1' }, update: { a: ddb.operations.increment(1) } } }, { conditionCheck: { table: 't', key: { id: '2' }, condition: { a: { eq: 1 } } } }] })", {"operation": "TransactWriteItems", "transactItems": [{"table": "t", "operation": "UpdateItem", "key": key("1"), "update": updated("SET #expName_1 = #expName_1 + :expValue_1", ["a"], {"N": 1})["update"]}, {"table": "t", "operation": "ConditionCheck", "key": key("2"), "condition": EQUAL_1}]}),
    ("[ddb.toStringSet(['a']), ddb.toNumberSet([1]), ddb.toBinarySet(['YQ=='])]", [{"SS": ["a"]}, {"NS": [1]}, {"BS": ["YQ=="]}]),
    # updates (recorded)
    (update("age: ddb.operations.add(10)"), updated("SET #expName_1 = :expValue_1", ["age"], {"N": 10})),
    (update("a: ddb.operations.replace({ b: 1 })"), updated("SET #expName_1 = :expValue_1", ["a"], {"M": {"b": {"N": 1}}})),
    (update("l: ddb.operations.append([1])"), updated("SET #expName_1 = list_append(#expName_1, :expValue_1)", ["l"], {"L": [{"N": 1}]})),
    (update("l: ddb.operations.prepend([1])"), updated("SET #expName_1 = list_append(:expValue_1, #expName_1)", ["l"], {"L": [{"N": 1}]})),
    (update("n: ddb.operations.increment()"), updated("SET #expName_1 = #expName_1 + :expValue_1", ["n"], {"N": 1})),
    (update("n: ddb.operations.decrement(10)"), updated("SET #expName_1 = #expName_1 - :expValue_1", ["n"], {"N": 10})),
    (update("a: ddb.operations.remove(), b: ddb.operations.remove()"), updated("REMOVE #expName_1, #expName_2", ["a", "b"])),
    (update("b: ddb.operations.remove(), a: true, c: null"), updated("SET #expName_1 = :expValue_1, #expName_2 = :expValue_2 REMOVE #expName_3", ["a", "c", "b"], {"BOOL": True}, {"NULL": None})),
    (update("f: [ddb.operations.updateListItem('x', 1), ddb.operations.updateListItem('y', 2)]"), updated("SET #expName_1[1] = :expValue_1, #expName_1[2] = :expValue_2", ["f"], {"S": "x"}, {"S": "y"})),
    (update("f: ['x']"), updated("SET #expName_1 = :expValue_1", ["f"], {"L": [{"S": "x"}]})),
    ("ddb.operations.increment(10)", {"type": "OPERATION_INCREMENT", "by": 10}),
    ("ddb.operations.append([1])", {"type": "OPERATION_APPEND", "items": [1]}),
    # Bedrock
    ("invokeModel({ modelId: 'm', body: { a: 1 } })", {"operation": "InvokeModel", "modelId": "m", "body": {"a": 1}}),
    ("converse({ modelId: 'm', messages: [] })", {"operation": "Converse", "modelId": "m", "messages": []}),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), DYNAMODB, ids=[each[:60] for each, _ in DYNAMODB])
async def test_requests(host: JavaScriptHost, expression: str, expected: Any) -> None:
    evaluation = await evaluate(host, expression)
    assert evaluation.halt is None
    assert evaluation.value == expected


def where(text: str) -> str:
    return f"rds.createPgStatement(rds.select({{ table: 't', where: {text} }}))"


def pg(text: str) -> str:
    return f"rds.createPgStatement({text})"


SQL: list[tuple[str, str, list[Any]]] = [
    ("rds.createMySQLStatement(rds.select({ table: 'UserGroup', where: { or: [{ name: { eq: 'S' } }, { id: { gt: 10 } }] }, limit: 10, offset: 1, columns: ['id', 'name'], orderBy: [{ column: 'name' }, { column: 'id', dir: 'desc' }] }))", "SELECT `id`, `name` FROM `UserGroup` WHERE (`name` = :P0) OR (`id` > :P1) ORDER BY `name` ASC, `id` DESC LIMIT :P2 OFFSET :P3", ["S", 10, 10, 1]),
    (pg("rds.insert({ table: 'persons', values: { name: 'test', at: null }, returning: '*' })"), 'INSERT INTO "persons" ("name", "at") VALUES (:P0, NULL) RETURNING *', ["test"]),
    (pg("rds.update({ table: 'persons', values: { name: 'n', active: false }, where: { id: { eq: 'x' } } })"), 'UPDATE "persons" SET "name" = :P0, "active" = :P1 WHERE "id" = :P2', ["n", False, "x"]),
    (pg("rds.remove({ table: 'persons', where: { id: { eq: '1' } }, returning: ['id', 'name'] })"), 'DELETE FROM "persons" WHERE "id" = :P0 RETURNING "id", "name"', ["1"]),
    (pg("'SELECT 1'"), "SELECT 1", []),
    (pg("rds.sql`select ${1}, ${'a'}`"), "select :P0, :P1", [1, "a"]),
    (pg("rds.select({ table: 'private.persons', columns: ['id', 'persons.name', 'persons.*', '*'] })"), 'SELECT "id", "persons"."name", "persons"."*", * FROM "private"."persons"', []),
    (pg("rds.select({ from: { persons: 'p' } })"), 'SELECT * FROM "p" as "persons"', []),
    (pg("rds.select({ table: 't', limit: 0, offset: '5', orderBy: [] })"), 'SELECT * FROM "t" LIMIT :P0 OFFSET :P1', [0, 5]),
    (pg("rds.select({ table: 't', columns: [] })"), 'SELECT FROM "t"', []),
    (pg("rds.select({ table: 'a\"b' })"), 'SELECT * FROM "a""b"', []),
    (where("{}"), 'SELECT * FROM "t"', []),
    (where("{ and: [{ or: [] }] }"), 'SELECT * FROM "t"', []),
    (where("{ count: { le: 10 }, and: [{ id: { eq: 1 } }], deleted: { attributeExists: false } }"), 'SELECT * FROM "t" WHERE "count" <= :P0 AND ("id" = :P1) AND "deleted" IS NULL', [10, 1]),
    (where("{ id: { eq: 1 }, or: [{ id: { eq: 2 } }, { or: [{ id: { eq: 3 } }, { id: { eq: 4 } }] }] }"), 'SELECT * FROM "t" WHERE "id" = :P0 AND ("id" = :P1) OR (("id" = :P2) OR ("id" = :P3))', [1, 2, 3, 4]),
    (where("{ id: { ge: 1, le: 9, ne: 5 } }"), 'SELECT * FROM "t" WHERE "id" >= :P0 AND "id" <= :P1 AND "id" != :P2', [1, 9, 5]),
    (where("{ name: { contains: 'x', notContains: 'y', beginsWith: 'a%' } }"), 'SELECT * FROM "t" WHERE "name" LIKE :P0 AND "name" NOT LIKE :P1 AND "name" LIKE :P2', ["%x%", "y", "a%%"]),
    (where("{ age: { between: [null, 65] } }"), 'SELECT * FROM "t" WHERE "age" BETWEEN NULL AND :P0', [65]),
    (where("{ name: { size: { eq: 3, between: [2, 8] } } }"), 'SELECT * FROM "t" WHERE LENGTH ("name") = :P0 AND LENGTH ("name") BETWEEN :P1 AND :P2', [3, 2, 8]),
    (where("{ and: [{ name: { size: {} } }, { id: { eq: 1 } }] }"), 'SELECT * FROM "t" WHERE  AND ("id" = :P0)', [1]),
    (where("rds.sql`id = ${1}`"), 'SELECT * FROM "t" WHERE id = :P0', [1]),
    (where("{ not: [{ id: { eq: 1 } }] }"), 'SELECT * FROM "t" WHERE NOT (("id" = :P0))', [1]),
    # ours: the service's SQL for these is not published
    (pg("rds.select({ table: 'a', columns: ['x', rds.agg.count('id'), { most: rds.agg.maxDistinct('n') }], leftJoin: [{ from: { c: 'b' }, on: { 'a.id': { eq: 1 } } }], join: [{ from: 'd', using: ['id'] }], groupBy: [1, 'x'], having: { n: { sum: { gt: 2 } } } })"), 'SELECT "x", COUNT("id"), MAX(DISTINCT "n") as "most" FROM "a" JOIN "d" USING ("id") LEFT JOIN "b" as "c" ON "a"."id" = :P0 GROUP BY 1, "x" HAVING SUM("n") > :P1', [1, 2]),
    (pg("rds.select({ from: { s: rds.select({ table: 'a', limit: 1 }) } })"), 'SELECT * FROM (SELECT * FROM "a" LIMIT :P0) as "s"', [1]),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "statement", "values"), SQL, ids=[each[:70] for each, _, _ in SQL])
async def test_sql(host: JavaScriptHost, expression: str, statement: str, values: list[Any]) -> None:
    evaluation = await evaluate(host, expression)
    assert evaluation.halt is None
    assert evaluation.value == {
        "statements": [statement],
        "variableMap": {f":P{n}": value for n, value in enumerate(values)},
        "variableTypeHintMap": {},
    }


async def test_two_statements_share_their_variables_and_hints(host: JavaScriptHost) -> None:
    """Recorded."""
    evaluation = await evaluate(
        host,
        "rds.createPgStatement(rds.sql`insert into Post(id, text) values(${rds.typeHint.UUID('u')}, ${'t'})`,"
        " rds.select({ table: 'Post', where: { at: { lt: rds.typeHint.TIMESTAMP(new Date(0)) } } }))",
    )
    assert evaluation.value == {
        "statements": [
            "insert into Post(id, text) values(:P0, :P1)",
            'SELECT * FROM "Post" WHERE "at" < :P2',
        ],
        "variableMap": {":P0": "u", ":P1": "t", ":P2": "1970-01-01T00:00:00.000Z"},
        "variableTypeHintMap": {":P0": "UUID", ":P2": "TIMESTAMP"},
    }


MISUSES = [
    (pg(""), "An argument is expected to be passed to createPgStatement"),
    ("rds.createMySQLStatement()", "An argument is expected to be passed to createMySQLStatement"),
    (pg("123"), "Unsupported type is passed as argument to createPgStatement"),
    (pg("{ type: 'BOGUS', properties: {} }"), "Unsupported type is passed as argument to createPgStatement"),
    ("rds.select()", "An argument is expected to be passed to select"),
    ("rds.remove([])", "Expected payload to be an Object."),
    ("rds.sql(['a'], 1, 2)", "java.lang.IllegalArgumentException: Unexpected argument passed to sql tagged template"),
    (pg("rds.select({ from: 'a', table: 'b' })"), "'from' and 'table' keys cannot be used together"),
    (pg("rds.select({ columns: ['id'] })"), "'table' or 'from' key is required."),
    (pg("rds.insert({ from: 'persons', values: { a: 1 } })"), "'table' or 'from' key is required."),
    (pg("rds.select({ table: { a: 'x', b: 'y' } })"), "table alias is allowed only one key-value pair."),
    (pg("rds.select({ table: {} })"), "java.util.NoSuchElementException"),
    (pg("rds.select({ table: { a: 1 } })"), "Table alias value is expected to be a string."),
    (pg("rds.select({ table: 1 })"), "table name is expected to be a string or alias."),
    (pg("rds.select({ from: 1 })"), "'from' value is expected to be string or object."),
    (pg("rds.select({ table: 't', columns: 'name' })"), "Expected column to be * or an array."),
    (pg("rds.select({ table: 't', columns: [1] })"), "Invalid type in column array."),
    ("rds.createMySQLStatement(rds.remove({ table: 't', returning: ['id'] }))", "returning is not supported in MySQL."),
    ("rds.createMySQLStatement(rds.remove({ table: 't', returning: 'id' }))", "Expected column to be * or an array."),
    (where("'id = 1'"), "WHERE values are expected to be SQL templates or a condition object."),
    (where("{ name: 'x' }"), "Expected condition to be an Object."),
    (where("{ and: 'x' }"), "and expects conditions to be an array"),
    (where("{ and: [null] }"), "Expected and to be an Object."),
    (where("{ or: [rds.sql`x`] }"), "Expected or to be an Object."),
    (where("{ name: { bogus: 1 } }"), "Unsupported condition name.bogus."),
    (where("{ id: { in: [1] } }"), "Unsupported condition id.in."),
    (where("{ id: { eq: null } }"), "Value for id.eq can't be null."),
    (where("{ id: { attributeExists: 'yes' } }"), "id.attributeExists expects a boolean value to be passed."),
    (where("{ name: { beginsWith: 5 } }"), "name.beginsWith expects a string value to be passed."),
    (where("{ name: { contains: null } }"), "Value for name.contains can't be null."),
    (where("{ age: { between: 5 } }"), "age.between condition expects an array with length of 2."),
    (where("{ age: { between: [1] } }"), "age.between condition expects an array with 2 values but received an array with length 1."),
    (where("{ name: { size: { between: [1] } } }"), "name.size condition expects an array with 2 values but received an array with length 1."),
    (where("{ name: { size: { contains: 'x' } } }"), "name.size has invalid size operator."),
    (where("{ name: { size: 3 } }"), "Expected name.size to be an Object."),
    (pg("rds.select({ table: 't', orderBy: {} })"), "orderBy expects an array."),
    (pg("rds.select({ table: 't', orderBy: [null] })"), "orderBy item expected to be an object."),
    (pg("rds.select({ table: 't', orderBy: [{}] })"), "orderBy item expected to have property column."),
    (pg("rds.select({ table: 't', orderBy: [{ column: 'id', dir: '; DROP' }] })"), "orderBy dir can have either ASC or DESC found ; DROP."),
    (pg("rds.select({ table: 't', limit: 'abc' })"), "limit expects a number."),
    (pg("rds.select({ table: 't', offset: {} })"), "offset expects a number."),
    (pg("rds.insert({ table: 't' })"), "values are expected to be passed to insert"),
    (pg("rds.update({ table: 't', values: null })"), "values are expected to be passed to update"),
    (pg("rds.insert({ table: 't', values: [1] })"), "Expected values to an Object."),
    # ours
    ("ddb.get()", "get expects an object"),
    ("ddb.get({})", "'key' is expected to be an object"),
    ("ddb.update({ key: { id: '1' } })", "'update' is expected to be an object"),
    ("ddb.batchGet({})", "batchGet expects 'tables' to be an object"),
    ("ddb.transactWrite({ items: [{}] })", "transactWrite expects items with putItem, updateItem, deleteItem or conditionCheck"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "message"), MISUSES, ids=[each[:70] for each, _ in MISUSES])
async def test_misuse(host: JavaScriptHost, expression: str, message: str) -> None:
    halt = (await evaluate(host, expression)).halt
    assert halt is not None
    assert (halt["type"], halt["message"]) == ("Code", f"code.js:5:{str(halt['message']).split(':')[2]}: {message}")


async def test_rows_of_the_data_api(host: JavaScriptHost) -> None:
    """Recorded: nulls are left out, a statement without records has one empty row."""
    columns = "[{ label: 'id', name: 'n' }, { name: 'tags' }, { label: 'none' }, { label: 'd' }]"
    records = (
        "[[{ longValue: 1 }, { arrayValue: { arrayValues: [{ booleanValues: [true] }, { stringValues: ['a'] }] } },"
        " { isNull: true }, { doubleValue: 1.5 }]]"
    )
    result = f"{{ sqlStatementResults: [{{ records: {records}, columnMetadata: {columns} }}, {{ numberOfRecordsUpdated: 1 }}] }}"
    expected = [[{"id": 1, "tags": [[True], ["a"]], "d": 1.5}], [{}]]
    for call in (f"rds.toJsonObject(JSON.stringify({result}))", f"util.rds.toJsonObject({result})"):
        assert (await evaluate(host, call)).value == expected
    for call in ("rds.toJsonObject('nonsense')", "rds.toJsonObject(null)", "rds.toJsonObject({})"):
        assert (await evaluate(host, call)).value is None


async def test_the_tables_of_names_are_what_the_engine_offers(host: JavaScriptHost) -> None:
    lines = ["({", *(f"{name}: Object.keys({name})," for name in surface.NAMESPACES), "})"]
    offered = (await run(unchecked(host, f"return {''.join(lines)};"))).value
    assert isinstance(offered, dict)
    assert {name: set(members) for name, members in offered.items()} == {
        name: each.members for name, each in surface.NAMESPACES.items()
    }
    for name, each in surface.MODULES.items():
        members = (await run(unchecked(host, f"return Object.keys(__importModule('{name}'));"))).value
        assert set(members) == each.members  # type: ignore[call-overload]
    kinds = [f"typeof {name}" for name in sorted(surface.GLOBALS - {"undefined"})]
    assert "undefined" not in (await run(unchecked(host, f"return [{', '.join(kinds)}];"))).value  # type: ignore[operator]
