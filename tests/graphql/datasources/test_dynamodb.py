"""The DynamoDB data source on moto's tables: every operation's request and result. Reference §8."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.graphql.datasources.dynamodb.operations import page_token, start_key
from callpark.graphql.datasources.dynamodb.source import DynamoSource
from callpark.graphql.datasources.dynamodb.values import attribute, number, plain
from callpark.graphql.datasources.port import Outcome
from callpark.graphql.failures import FieldFailure
from callpark.graphql.model import TableConfig
from callpark.kernel.errors import CallerError
from callpark.kernel.ids import SeededIds
from tests.graphql.datasources.moto_upstreams import MotoUpstreams, moto_upstreams

pytestmark = pytest.mark.unit

ITEM = {"id": "1", "title": "a", "n": 3, "tags": ["x", "y"]}
TYPED: dict[str, Any] = {"title": {"S": "a"}, "n": {"N": 3}, "tags": {"L": [{"S": "x"}, {"S": "y"}]}}


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoUpstreams]:
    """Tables `posts` (id) with an index by title, and `lines` (id, at)."""
    with moto_upstreams() as upstreams:
        client = upstreams.client("dynamodb")
        common = {"BillingMode": "PAY_PER_REQUEST"}
        client.create_table(
            TableName="posts",
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("id", "title")],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "by-title",
                    "KeySchema": [{"AttributeName": "title", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
            **common,
        )
        client.create_table(
            TableName="lines",
            AttributeDefinitions=[
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "at", "AttributeType": "N"},
            ],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
            **common,
        )
        yield upstreams


@pytest.fixture
def source(moto: MotoUpstreams, ids: SeededIds) -> DynamoSource:
    client = moto.client("dynamodb")
    for table, names in (("posts", ("id",)), ("lines", ("id", "at"))):
        for item in client.scan(TableName=table)["Items"]:
            client.delete_item(TableName=table, Key={name: item[name] for name in names})
    moto.calls.clear()
    return DynamoSource(TableConfig("posts"), moto, ids)


async def ask(source: DynamoSource, **request: Any) -> Outcome:
    return await source.call(request, 0.0)


async def result(source: DynamoSource, **request: Any) -> Any:
    outcome = await ask(source, **request)
    assert outcome.error is None, outcome.error
    return outcome.result


def key(name: str = "1") -> dict[str, Any]:
    return {"id": {"S": name}}


async def put(source: DynamoSource, name: str = "1", **more: Any) -> Any:
    return await result(source, operation="PutItem", key=key(name), attributeValues={**TYPED, **more})


async def test_an_item_put_is_what_a_get_finds(source: DynamoSource) -> None:
    assert await put(source) == ITEM
    assert await result(source, operation="GetItem", key=key()) == ITEM
    assert await result(source, operation="GetItem", key=key("2")) is None


async def test_a_get_takes_a_projection_and_a_consistent_read(source: DynamoSource, moto: MotoUpstreams) -> None:
    await put(source)
    projection = {"expression": "#t, n", "expressionNames": {"#t": "title"}}
    asked = {"operation": "GetItem", "key": key(), "consistentRead": True, "projection": projection}
    assert await result(source, **asked) == {"title": "a", "n": 3}
    assert moto.calls[-1][2] == {
        "TableName": "posts",
        "Key": key(),
        "ConsistentRead": True,
        "ProjectionExpression": "#t, n",
        "ExpressionAttributeNames": {"#t": "title"},
    }


async def test_an_update_gives_the_new_item(source: DynamoSource) -> None:
    await put(source)
    update = {
        "expression": "SET #n = #n + :by REMOVE tags",
        "expressionNames": {"#n": "n"},
        "expressionValues": {":by": {"N": 2}},
    }
    assert await result(source, operation="UpdateItem", key=key(), update=update) == {"id": "1", "title": "a", "n": 5}


async def test_a_delete_gives_what_was_there(source: DynamoSource) -> None:
    await put(source)
    assert await result(source, operation="DeleteItem", key=key()) == ITEM
    assert await result(source, operation="DeleteItem", key=key()) is None


async def test_a_query_goes_page_by_page(source: DynamoSource, moto: MotoUpstreams, ids: SeededIds) -> None:
    lines = DynamoSource(TableConfig("lines"), moto, ids)
    for at in range(5):
        line = {"id": {"S": "a"}, "at": {"N": at}}
        await result(lines, operation="PutItem", key=line, attributeValues={"odd": {"BOOL": at % 2 == 1}})
    query = {
        "expression": "#id = :id AND #at >= :at",
        "expressionNames": {"#id": "id", "#at": "at"},
        "expressionValues": {":id": {"S": "a"}, ":at": {"N": 1}},
    }
    seen: list[int] = []
    token: str | None = None
    pages = 0
    while pages == 0 or token:
        page = await result(
            lines, operation="Query", query=query, limit=3, nextToken=token, scanIndexForward=False, consistentRead=True
        )
        seen += [each["at"] for each in page["items"]]
        token = page["nextToken"]
        pages += 1
    assert (seen, pages) == ([4, 3, 2, 1], 2)
    filtered = {"expression": "odd = :odd", "expressionValues": {":odd": {"BOOL": True}}}
    page = await result(lines, operation="Query", query=query, filter=json.dumps(filtered))
    assert (page["items"], page["nextToken"], page["scannedCount"]) == (
        [{"id": "a", "at": 1, "odd": True}, {"id": "a", "at": 3, "odd": True}],
        None,
        4,
    )


async def test_a_query_of_an_index_and_what_it_selects(source: DynamoSource, moto: MotoUpstreams) -> None:
    await put(source)
    query = {"expression": "title = :t", "expressionValues": {":t": {"S": "a"}}}
    asked = {"operation": "Query", "query": query, "index": "by-title", "select": "ALL_PROJECTED_ATTRIBUTES"}
    assert (await result(source, **asked))["items"] == [ITEM]
    assert moto.calls[-1][2]["IndexName"] == "by-title"
    assert moto.calls[-1][2]["Select"] == "ALL_PROJECTED_ATTRIBUTES"


async def test_a_scan_of_segments(source: DynamoSource) -> None:
    for name in "123":
        await put(source, name)
    pages = [await result(source, operation="Scan", totalSegments=2, segment=each) for each in range(2)]
    assert sorted(item["id"] for page in pages for item in page["items"]) == ["1", "2", "3"]
    page = await result(source, operation="Scan", limit=1)
    assert len(page["items"]) == 1
    assert page["nextToken"]


TABLE: dict[str, Any] = {"table": "t", "key": {"id": {"S": "1"}}}
CONDITION = {"expression": "attribute_not_exists(id)"}
WORDS = (
    "The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ConditionalCheckFailed"
)


async def test_a_failed_condition_shows_the_item_that_is_there(source: DynamoSource) -> None:
    await put(source)
    outcome = await ask(
        source, operation="PutItem", key=key(), attributeValues={"title": {"S": "b"}}, condition=CONDITION
    )
    assert outcome.result == ITEM
    assert outcome.error is not None
    assert outcome.error.type == "DynamoDB:ConditionalCheckFailedException"
    assert outcome.error.message.startswith(WORDS)


@pytest.mark.parametrize(("ignored", "stored"), [([], {}), (["at"], {"at": {"N": 1}})])
async def test_a_put_of_what_is_there_has_succeeded(source: DynamoSource, ignored: list[str], stored: Any) -> None:
    await put(source, **stored)
    condition = {**CONDITION, "equalsIgnore": ignored}
    values = {**TYPED, **({"at": {"N": 2}} if ignored else {})}
    found = await result(source, operation="PutItem", key=key(), attributeValues=values, condition=condition)
    assert found == {**ITEM, **({"at": 1} if ignored else {})}


async def test_a_delete_of_what_is_gone_has_succeeded_and_an_update_never_has(source: DynamoSource) -> None:
    exists = {"expression": "attribute_exists(id)", "consistentRead": False}
    assert await result(source, operation="DeleteItem", key=key(), condition=exists) is None
    update = {"expression": "SET n = :n", "expressionValues": {":n": {"N": 1}}}
    outcome = await ask(source, operation="UpdateItem", key=key(), update=update, condition=exists)
    assert outcome.result is None
    assert outcome.error is not None


async def test_a_condition_holds(source: DynamoSource, moto: MotoUpstreams) -> None:
    condition = {
        "expression": "attribute_not_exists(#i) OR #n = :n",
        "expressionNames": {"#i": "id", "#n": "n"},
        "expressionValues": {":n": {"N": 3}},
    }
    for _ in range(2):
        await result(source, operation="PutItem", key=key(), attributeValues=TYPED, condition=condition)
    assert [operation for _, operation, _ in moto.calls] == ["PutItem"] * 2


async def test_batches(source: DynamoSource) -> None:
    items = [{**key(name), "n": {"N": int(name)}} for name in "123"]
    written = await result(source, operation="BatchPutItem", tables={"posts": items})
    plainly = [{"id": name, "n": int(name)} for name in "123"]
    assert written == {"data": {"posts": plainly}, "unprocessedItems": {"posts": []}}
    keys = [key("3"), key("9"), key("1")]
    for tables in ({"posts": {"keys": keys, "consistentRead": True}}, {"posts": keys}):
        got = await result(source, operation="BatchGetItem", tables=tables)
        assert got == {"data": {"posts": [plainly[2], None, plainly[0]]}, "unprocessedKeys": {"posts": []}}
    gone = await result(source, operation="BatchDeleteItem", tables={"posts": [key("1"), key("2")]})
    assert gone == {"data": {"posts": [{"id": "1"}, {"id": "2"}]}, "unprocessedKeys": {"posts": []}}
    projected = {"posts": {"keys": [key("3")], "projection": {"expression": "id"}}}
    got = await result(source, operation="BatchGetItem", tables=projected)
    assert got["data"] == {"posts": [{"id": "3"}]}


@pytest.mark.parametrize(
    ("operation", "tables", "unprocessed"),
    [
        ("BatchGetItem", {"gone": {"keys": [key()]}}, {"unprocessedKeys": {"gone": [{"id": "1"}]}}),
        ("BatchPutItem", {"gone": [key()]}, {"unprocessedItems": {"gone": [{"id": "1"}]}}),
        ("BatchDeleteItem", {"gone": [key()]}, {"unprocessedKeys": {"gone": [{"id": "1"}]}}),
    ],
)
async def test_a_batch_that_fails_says_what_was_not_done(
    source: DynamoSource, operation: str, tables: Any, unprocessed: Any
) -> None:
    outcome = await ask(source, operation=operation, tables=tables)
    assert outcome.result == {"data": {"gone": None}, **unprocessed}
    assert outcome.error is not None
    assert outcome.error.type == "DynamoDB:ResourceNotFoundException"


async def test_what_a_busy_table_left_over(ids: SeededIds) -> None:
    class Busy:
        async def call(self, service: str, operation: str, parameters: Any) -> Any:
            if operation == "BatchGetItem":
                return {"Responses": {"t": []}, "UnprocessedKeys": {"t": {"Keys": [key("2")]}}}
            return {"UnprocessedItems": {"t": [{"PutRequest": {"Item": key("2")}}]}}

        def address(self, service: str) -> str | None:
            return None

    source = DynamoSource(TableConfig("t"), Busy(), ids)
    got = await result(source, operation="BatchGetItem", tables={"t": [key("1"), key("2")]})
    assert got == {"data": {"t": [None, None]}, "unprocessedKeys": {"t": [{"id": "2"}]}}
    put_ = await result(source, operation="BatchPutItem", tables={"t": [key("1"), key("2")]})
    assert put_ == {"data": {"t": [{"id": "1"}, None]}, "unprocessedItems": {"t": [{"id": "2"}]}}


async def test_transactions(source: DynamoSource, moto: MotoUpstreams) -> None:
    await put(source, "2")
    await put(source, "3")
    items: list[dict[str, Any]] = [
        {"table": "posts", "operation": "PutItem", "key": key("1"), "attributeValues": {"n": {"N": 1}}},
        {
            "table": "posts",
            "operation": "UpdateItem",
            "key": key("2"),
            "update": {"expression": "SET n = :n", "expressionValues": {":n": {"N": 9}}},
        },
        {"table": "posts", "operation": "DeleteItem", "key": key("3")},
        {
            "table": "lines",
            "operation": "ConditionCheck",
            "key": {**key(), "at": {"N": 1}},
            "condition": {"expression": "attribute_not_exists(id)"},
        },
    ]
    assert await result(source, operation="TransactWriteItems", transactItems=items) == {
        "keys": [{"id": "1"}, {"id": "2"}, {"id": "3"}, {"id": "1", "at": 1}],
        "cancellationReasons": None,
    }
    asked = [{"table": "posts", "key": key(name)} for name in "123"]
    asked[1]["projection"] = {"expression": "n"}
    assert await result(source, operation="TransactGetItems", transactItems=asked) == {
        "items": [{"id": "1", "n": 1}, {**ITEM, "id": "2", "n": 9}, None],
        "cancellationReasons": None,
    }
    gets: Any = moto.calls[-1][2]["TransactItems"]
    assert gets[1]["Get"]["ProjectionExpression"] == "n", "moto does not act on it"


async def test_a_cancelled_transaction_says_why(source: DynamoSource) -> None:
    await put(source)
    items = [
        {"table": "posts", "operation": "PutItem", "key": key("2"), "attributeValues": {}},
        {"table": "posts", "operation": "PutItem", "key": key(), "attributeValues": {}, "condition": CONDITION},
    ]
    outcome = await ask(source, operation="TransactWriteItems", transactItems=items)
    assert outcome.error is not None
    assert outcome.error.type == "DynamoDB:TransactionCanceledException"
    told: Any = outcome.result
    assert told["keys"] is None
    assert [each["type"] for each in told["cancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    assert told["cancellationReasons"][1]["message"] == "The conditional request failed"
    assert told["cancellationReasons"][1]["item"] == ITEM


async def test_reasons_are_read_from_the_message_of_those_who_send_none(ids: SeededIds) -> None:
    class Terse:
        async def call(self, service: str, operation: str, parameters: Any) -> Any:
            message = (
                "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ThrottlingError]"
            )
            raise CallerError("TransactionCanceledException", 400, message)

        def address(self, service: str) -> str | None:
            return None

    items = [{"table": "t", "key": key()}]
    outcome = await DynamoSource(TableConfig("t"), Terse(), ids).call(
        {"operation": "TransactGetItems", "transactItems": items}, 0
    )
    reasons = [{"type": "None", "message": None}, {"type": "ThrottlingError", "message": None}]
    assert outcome.result == {"items": None, "cancellationReasons": reasons}


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, r"Value for field '\$\[operation\]' not found"),
        ({"operation": "Get"}, "Unsupported operation 'Get'"),
        ({"operation": "GetItem"}, r"Value for field '\$\[key\]' not found"),
        ({"operation": "GetItem", "key": "1"}, r"Expected JSON object for field '\$\[key\]' but got STRING"),
        ({"operation": "GetItem", "key": {"id": "1"}}, r"attribute value '\$\[key\]\[id\]' but got STRING"),
        ({"operation": "GetItem", "key": {"id": {"X": "1"}}}, r"Unsupported element '\$\[key\]\[id\]\[X\]'"),
        ({"operation": "GetItem", "key": {"id": {"S": "1", "N": 1}}}, "exactly one type, it has 2"),
        ({"operation": "GetItem", "key": {"id": {"B": "?"}}}, "not base64"),
        ({"operation": "GetItem", "key": {"id": {"N": []}}}, "Expected JSON number"),
        ({"operation": "GetItem", "key": {"id": {"L": 1}}}, "Expected JSON list"),
        ({"operation": "GetItem", "key": {"id": {"M": 1}}}, "Expected JSON object"),
        ({"operation": "GetItem", "key": {"id": {"BOOL": "x"}}}, "Expected JSON boolean"),
        ({"operation": "GetItem", "key": key(), "consistentRead": "yes"}, "Expected JSON boolean"),
        ({"operation": "PutItem", "key": key()}, "attributeValues"),
        ({"operation": "UpdateItem", "key": key()}, r"\$\[update\]"),
        ({"operation": "UpdateItem", "key": key(), "update": {}}, r"\$\[update\]"),
        ({"operation": "Query"}, r"\$\[query\]"),
        ({"operation": "Query", "query": "no json"}, "Expected JSON object"),
        ({"operation": "Scan", "nextToken": "?"}, "Invalid pagination token given."),
        ({"operation": "Scan", "nextToken": base64.b64encode(b"[1]").decode()}, "Invalid pagination token given."),
        ({"operation": "Scan", "limit": "1"}, "Expected JSON integer"),
        ({"operation": "BatchGetItem", "tables": {}}, "between 1 and 100 items, the request has 0"),
        ({"operation": "BatchPutItem", "tables": {"t": [key()] * 26}}, "between 1 and 25 items, the request has 26"),
        ({"operation": "BatchGetItem", "tables": {"t": 1}}, "Expected JSON object"),
        ({"operation": "TransactWriteItems"}, r"\$\[transactItems\]"),
        (
            {"operation": "TransactWriteItems", "transactItems": [{**TABLE, "operation": "X"}]},
            "Unsupported operation 'X'",
        ),
        (
            {"operation": "TransactWriteItems", "transactItems": [{**TABLE, "operation": "ConditionCheck"}]},
            "condition",
        ),
        ({"operation": "Sync"}, "no conflict detection: Sync"),
        (
            {
                "operation": "PutItem",
                "key": key(),
                "attributeValues": {},
                "condition": {
                    "expression": "x",
                    "conditionalCheckFailedHandler": {"strategy": "Custom", "lambdaArn": "a"},
                },
            },
            "strategy Custom",
        ),
    ],
)  # fmt: skip
async def test_requests_that_are_not_understood_reach_no_table(
    source: DynamoSource, moto: MotoUpstreams, request_: dict[str, Any], words: str
) -> None:
    with pytest.raises(FieldFailure, match=words):
        await ask(source, **request_)
    assert moto.calls == []


async def test_versioned_tables_are_refused_by_name(moto: MotoUpstreams, ids: SeededIds) -> None:
    source = DynamoSource(TableConfig("posts", versioned=True), moto, ids)
    with pytest.raises(FieldFailure, match="versioned data sources"):
        await ask(source, operation="GetItem", key=key())


async def test_nobody_to_ask_is_an_error_with_the_remedy(ids: SeededIds) -> None:
    from callpark.graphql.datasources.nowhere import NOWHERE

    outcome = await DynamoSource(TableConfig("posts"), NOWHERE.upstreams, ids).call(
        {"operation": "GetItem", "key": key()}, 0
    )
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == (
        "DynamoDB:ServiceUnavailable",
        "Nobody serves dynamodb.",
    )


TYPED_VALUES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.one_of(
        st.text().map(lambda v: {"S": v}),
        st.integers(-(2**63), 2**63).map(lambda v: {"N": v}),
        st.floats(allow_nan=False, allow_infinity=False).map(lambda v: {"N": v}),
        st.binary().map(lambda v: {"B": base64.b64encode(v).decode()}),
        st.booleans().map(lambda v: {"BOOL": v}),
        st.just({"NULL": None}),
        st.lists(st.text(), min_size=1).map(lambda v: {"SS": v}),
        st.lists(st.integers(-5, 5), min_size=1).map(lambda v: {"NS": v}),
        st.lists(st.binary(), min_size=1).map(lambda v: {"BS": [base64.b64encode(e).decode() for e in v]}),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda v: {"L": v}),
        st.dictionaries(st.text(), inner, max_size=3).map(lambda v: {"M": v}),
    ),
    max_leaves=8,
)


def untyped(value: dict[str, Any]) -> Any:
    ((kind, member),) = value.items()
    if kind == "L":
        return [untyped(each) for each in member]
    return {name: untyped(each) for name, each in member.items()} if kind == "M" else member


@given(TYPED_VALUES)
def test_typed_values_come_back_plain(value: dict[str, Any]) -> None:
    assert plain(attribute(value, "$")) == untyped(value)


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("-1.5", -1.5), ("1e3", 1000.0), ("18446744073709551616", 1.8446744073709552e19)]
)
def test_numbers(text: str, value: float) -> None:
    assert number(text) == value
    assert type(number(text)) is type(value)


@given(st.dictionaries(st.text(min_size=1), st.one_of(
    st.text().map(lambda v: {"S": v}), st.integers().map(lambda v: {"N": str(v)}), st.binary().map(lambda v: {"B": v})
), min_size=1, max_size=3))  # fmt: skip
def test_page_tokens_carry_any_key(last: dict[str, Any]) -> None:
    assert start_key(page_token(last)) == last
