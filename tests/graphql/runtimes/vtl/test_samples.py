"""Mapping templates of the kinds that projects have: what each asks its data source for, or answers."""

import pytest

from callpark.graphql.runtimes.vtl.host import VtlHost
from tests.graphql.runtimes.vtl.rendering import context, evaluate, value_of

pytestmark = pytest.mark.unit

GET_ITEM = """
{
    "version": "2018-05-29",
    "operation": "GetItem",
    "key": { "id": $util.dynamodb.toDynamoDBJson($ctx.args.id) },
    "consistentRead": true
}
"""

PUT_ITEM = """
#set( $id = $util.autoId() )
#set( $item = $util.dynamodb.toMapValues($ctx.args.input) )
#set( $item.owner = $util.dynamodb.toDynamoDB($ctx.identity.username) )
#set( $item.version = {"N": 1} )
## the id was chosen above
{
  "version" : "2018-05-29",
  "operation" : "PutItem",
  "key": { "id": $util.dynamodb.toDynamoDBJson($util.defaultIfNullOrBlank($ctx.args.input.id, $id)) },
  "attributeValues" : $util.toJson($item),
  "condition": { "expression": "attribute_not_exists(#id)", "expressionNames": { "#id": "id" } }
}
"""

UPDATE_ITEM = """
## what is set, added and removed
#set( $expNames  = {} )
#set( $expValues = {} )
#set( $expSet = {} )
#set( $expAdd = {} )
#set( $expRemove = [] )

$!{expAdd.put("version", ":one")}
$!{expValues.put(":one", { "N" : 1 })}

#foreach( $entry in $context.arguments.entrySet() )
    #if( $entry.key != "id" && $entry.key != "expectedVersion" )
        #if( (!$entry.value) && ("$!{entry.value}" == "") )
            #set( $discard = ${expRemove.add("#${entry.key}")} )
            $!{expNames.put("#${entry.key}", "$entry.key")}
        #else
            $!{expSet.put("#${entry.key}", ":${entry.key}")}
            $!{expNames.put("#${entry.key}", "$entry.key")}
            $!{expValues.put(":${entry.key}", { "S" : "${entry.value}" })}
        #end
    #end
#end

#set( $expression = "" )
#if( !${expSet.isEmpty()} )
    #set( $expression = "SET" )
    #foreach( $entry in $expSet.entrySet() )
        #set( $expression = "${expression} ${entry.key} = ${entry.value}" )
        #if ( $foreach.hasNext )
            #set( $expression = "${expression}," )
        #end
    #end
#end
#if( !${expAdd.isEmpty()} )
    #set( $expression = "${expression} ADD" )
    #foreach( $entry in $expAdd.entrySet() )
        #set( $expression = "${expression} ${entry.key} ${entry.value}" )
        #if ( $foreach.hasNext )
            #set( $expression = "${expression}," )
        #end
    #end
#end
#if( !${expRemove.isEmpty()} )
    #set( $expression = "${expression} REMOVE" )
    #foreach( $entry in $expRemove )
        #set( $expression = "${expression} ${entry}" )
        #if ( $foreach.hasNext )
            #set( $expression = "${expression}," )
        #end
    #end
#end
{
    "version" : "2018-05-29",
    "operation" : "UpdateItem",
    "key" : { "id" : $util.dynamodb.toDynamoDBJson($ctx.args.id) },
    "update" : {
        "expression" : "${expression}"
        #if( !${expNames.isEmpty()} )
            ,"expressionNames" : $utils.toJson($expNames)
        #end
        #if( !${expValues.isEmpty()} )
            ,"expressionValues" : $utils.toJson($expValues)
        #end
    },
    "condition" : {
        "expression" : "version = :expectedVersion",
        "expressionValues" : { ":expectedVersion" : $util.dynamodb.toDynamoDBJson($ctx.args.expectedVersion) }
    }
}
"""

QUERY = """
#set($limit = $util.defaultIfNull($ctx.args.limit, 20))
{
  "version": "2018-05-29",
  "operation": "Query",
  "index": "byOwner",
  "query": {
    "expression": "#owner = :owner#if($ctx.args.since) AND #at >= :since#end",
    "expressionNames": { "#owner": "owner"#if($ctx.args.since), "#at": "at"#end },
    "expressionValues": {
      ":owner": $util.dynamodb.toDynamoDBJson($ctx.identity.username)
      #if($ctx.args.since), ":since": $util.dynamodb.toDynamoDBJson($ctx.args.since)#end
    }
  },
  #if($ctx.args.filter)"filter": $util.transform.toDynamoDBFilterExpression($ctx.args.filter),#end
  "scanIndexForward": #if($ctx.args.newest)false#{else}true#end,
  "limit": $limit,
  "nextToken": $util.toJson($ctx.args.nextToken)
}
"""

LIST_RESPONSE = """
#set($items = [])
#foreach($item in $ctx.result.items)
  #if($item.owner == $ctx.identity.username || $ctx.identity.groups.contains("admin"))
    #set($item.title = "${item.title.toUpperCase()} (${foreach.count}/${ctx.result.items.size()})")
    $util.qr($items.add($item))
  #end
#end
#if($items.isEmpty())
  #return({"items": [], "nextToken": null})
#end
$util.toJson({"items": $items, "nextToken": $ctx.result.nextToken})
"""

BATCH_GET = """
#set($keys = [])
#foreach($id in $ctx.args.ids)
  #set($key = {})
  $util.qr($key.put("id", $util.dynamodb.toString($id)))
  $util.qr($keys.add($key))
#end
{ "version": "2018-05-29", "operation": "BatchGetItem",
  "tables": { "posts": { "keys": $util.toJson($keys), "consistentRead": true } } }
"""

LAMBDA_EVENT = """
{ "version": "2018-05-29", "operation": "Invoke", "invocationType": "Event",
  "payload": { "field": "$ctx.info.fieldName", "arguments": $util.toJson($ctx.args),
               "wanted": $util.toJson($ctx.info.selectionSetList) } }
"""

BATCH_INVOKE = '{"version": "2018-05-29", "operation": "BatchInvoke", "payload": {"id": "${context.source.id}"}}'

HTTP = """
#set($params = {"limit": 5})
#if($ctx.args.after)$util.qr($params.put("after", $ctx.args.after))#end
{ "version": "2018-05-29", "method": "POST", "resourcePath": "/v1/items/$util.urlEncode($ctx.args.name)",
  "params": { "query": $util.toJson($params),
              "headers": { "authorization": "$ctx.request.headers.authorization", "content-type": "application/json" },
              "body": $util.toJson($util.toJson({"name": $ctx.args.name, "at": $util.time.nowISO8601()})) } }
"""

HTTP_RESPONSE = """
#if($ctx.error)
  $util.error($ctx.error.message, $ctx.error.type)
#end
#if($ctx.result.statusCode == 200)
  $util.toJson($util.parseJson($ctx.result.body).item)
#else
  $utils.appendError($ctx.result.body, "$ctx.result.statusCode")
  null
#end
"""

RDS = """
#set($cols = [])#set($vals = [])
#foreach($entry in $ctx.args.input.keySet())
  #set($discard = $cols.add($entry))
  #set($discard = $vals.add("'$ctx.args.input[$entry]'"))
#end
#set($colStr = $cols.toString().replace("[", "(").replace("]", ")"))
#set($valStr = $vals.toString().replace("[", "(").replace("]", ")"))
{ "version": "2018-05-29", "statements": ["insert into Pets $colStr VALUES $valStr", "select * from Pets"] }
"""

EVENTS = """
{ "version": "2018-05-29", "operation": "PutEvents",
  "events": [{ "source": "app", "detailType": "started", "detail": $util.toJson({"id": $ctx.stash.id}) }] }
"""

OWNER = context(
    arguments={},
    identity={"username": "ann", "groups": ["readers"], "claims": {}},
    request={"headers": {"authorization": "Bearer t"}, "domainName": None},
)

REQUESTS: list[tuple[str, dict[str, object], object]] = [
    (
        GET_ITEM,
        {"arguments": {"id": "7"}},
        {"version": "2018-05-29", "operation": "GetItem", "key": {"id": {"S": "7"}}, "consistentRead": True},
    ),
    (
        PUT_ITEM,
        {"arguments": {"input": {"id": "7", "title": "T", "tags": ["a"], "deep": {"n": 1.5}}}},
        {
            "version": "2018-05-29",
            "operation": "PutItem",
            "key": {"id": {"S": "7"}},
            "attributeValues": {
                "id": {"S": "7"},
                "title": {"S": "T"},
                "tags": {"L": [{"S": "a"}]},
                "deep": {"M": {"n": {"N": 1.5}}},
                "owner": {"S": "ann"},
                "version": {"N": 1},
            },
            "condition": {"expression": "attribute_not_exists(#id)", "expressionNames": {"#id": "id"}},
        },
    ),
    (
        UPDATE_ITEM,
        {"arguments": {"id": "7", "title": "new", "author": None, "url": "u", "expectedVersion": 3}},
        {
            "version": "2018-05-29",
            "operation": "UpdateItem",
            "key": {"id": {"S": "7"}},
            "update": {
                "expression": "SET #title = :title, #url = :url ADD version :one REMOVE #author",
                "expressionNames": {"#title": "title", "#author": "author", "#url": "url"},
                "expressionValues": {":one": {"N": 1}, ":title": {"S": "new"}, ":url": {"S": "u"}},
            },
            "condition": {
                "expression": "version = :expectedVersion",
                "expressionValues": {":expectedVersion": {"N": 3}},
            },
        },
    ),
    (
        QUERY,
        {"arguments": {"since": "2026", "newest": True, "filter": {"title": {"contains": "x"}}}},
        {
            "version": "2018-05-29",
            "operation": "Query",
            "index": "byOwner",
            "query": {
                "expression": "#owner = :owner AND #at >= :since",
                "expressionNames": {"#owner": "owner", "#at": "at"},
                "expressionValues": {":owner": {"S": "ann"}, ":since": {"S": "2026"}},
            },
            "filter": {
                "expression": "(contains(#title,:title_contains))",
                "expressionNames": {"#title": "title"},
                "expressionValues": {":title_contains": {"S": "x"}},
            },
            "scanIndexForward": False,
            "limit": 20,
            "nextToken": None,
        },
    ),
    (
        BATCH_GET,
        {"arguments": {"ids": ["1", "2"]}},
        {
            "version": "2018-05-29",
            "operation": "BatchGetItem",
            "tables": {"posts": {"keys": [{"id": {"S": "1"}}, {"id": {"S": "2"}}], "consistentRead": True}},
        },
    ),
    (
        LAMBDA_EVENT,
        {"arguments": {"a": [1]}},
        {
            "version": "2018-05-29",
            "operation": "Invoke",
            "invocationType": "Event",
            "payload": {"field": "f", "arguments": {"a": [1]}, "wanted": ["a", "a/b"]},
        },
    ),
    (
        BATCH_INVOKE,
        {"source": {"id": "s"}},
        {"version": "2018-05-29", "operation": "BatchInvoke", "payload": {"id": "s"}},
    ),
    (
        HTTP,
        {"arguments": {"name": "a b", "after": "c"}},
        {
            "version": "2018-05-29",
            "method": "POST",
            "resourcePath": "/v1/items/a+b",
            "params": {
                "query": {"limit": 5, "after": "c"},
                "headers": {"authorization": "Bearer t", "content-type": "application/json"},
                "body": '{"name":"a b","at":"2026-01-01T00:00:00.000Z"}',
            },
        },
    ),
    (
        RDS,
        {"arguments": {"input": {"type": "cat", "price": 5}}},
        {
            "version": "2018-05-29",
            "statements": ["insert into Pets (type, price) VALUES ('cat', '5')", "select * from Pets"],
        },
    ),
    (
        EVENTS,
        {"stash": {"id": "j"}},
        {
            "version": "2018-05-29",
            "operation": "PutEvents",
            "events": [{"source": "app", "detailType": "started", "detail": {"id": "j"}}],
        },
    ),
    (
        LIST_RESPONSE,
        {"result": {"items": [{"title": "a", "owner": "ann"}, {"title": "b", "owner": "bo"}], "nextToken": "n"}},
        {"items": [{"title": "A (1/2)", "owner": "ann"}], "nextToken": "n"},
    ),
    (
        HTTP_RESPONSE,
        {"result": {"statusCode": 200, "body": '{"item": {"id": 1}}'}},
        {"id": 1},
    ),
]


@pytest.mark.parametrize(("template", "members", "expected"), REQUESTS)
async def test_what_a_template_makes(
    host: VtlHost, template: str, members: dict[str, object], expected: object
) -> None:
    assert await value_of(host, template, {**OWNER, **members}) == expected


async def test_only_null_is_removed_an_empty_string_is_a_value(host: VtlHost) -> None:
    given = {**OWNER, "arguments": {"id": "7", "empty": "", "gone": None, "expectedVersion": 1}}
    value = await value_of(host, UPDATE_ITEM, given)
    assert isinstance(value, dict)
    assert value["update"]["expression"] == "SET #empty = :empty ADD version :one REMOVE #gone"


async def test_an_early_return(host: VtlHost) -> None:
    halt = (await evaluate(host, LIST_RESPONSE, {**OWNER, "result": {"items": []}})).halt
    assert halt == {"kind": "return", "value": {"items": [], "nextToken": None}, "skipTo": None}


async def test_a_status_that_is_no_success_is_appended_and_the_field_is_null(host: VtlHost) -> None:
    evaluation = await evaluate(host, HTTP_RESPONSE, {**OWNER, "result": {"statusCode": 404, "body": "gone"}})
    assert evaluation.halt is None
    assert evaluation.value is None
    assert [(each["message"], each["type"]) for each in evaluation.errors] == [("gone", "404")]
