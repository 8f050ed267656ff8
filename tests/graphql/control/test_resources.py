"""Schemas, types, data sources, functions, resolvers and evaluation through the control plane."""

import json

import pytest

from callpark.graphql.model import (
    DatabaseConfig,
    EventBusConfig,
    HttpConfig,
    SearchConfig,
    Signing,
    SourceConfig,
    TableConfig,
)
from callpark.kernel.errors import CallerError
from tests.graphql.control.conftest import Refused
from tests.graphql.control.scene import HELLO, RUNTIME, Scene, resolver

pytestmark = pytest.mark.unit


async def test_a_schema_is_taken_or_its_failure_told(scene: Scene) -> None:
    await scene.with_api()
    assert await scene.call("GetSchemaCreationStatus") == {"status": "NOT_APPLICABLE"}
    assert await scene.call("StartSchemaCreation", definition=b"type Query { a: Int }") == {"status": "PROCESSING"}
    assert await scene.call("GetSchemaCreationStatus") == {"status": "SUCCESS"}
    for definition, details in (
        (
            b"type Query {",
            "Failed to parse schema document - ensure it's a valid SDL-formatted document. "
            "schema of API Notes:1:13: Syntax Error: Expected Name, found <EOF>.",
        ),
        (b"type Query { a: Date }", "schema of API Notes:1:17: Unknown type 'Date'."),
        (b"", "The schema is empty."),
        (b"\xff\xfe", None),
    ):
        await scene.call("StartSchemaCreation", definition=definition)
        status = await scene.call("GetSchemaCreationStatus")
        assert status["status"] == "FAILED"
        assert details is None or status["details"] == details
    sdl = (await scene.call("GetIntrospectionSchema", format="SDL"))["schema"]
    assert sdl == b"schema {\n  query: Query\n}\n\ntype Query {\n  a: Int\n}\n", "the last good one stays"


async def test_the_schema_as_introspected(scene: Scene, refused: Refused) -> None:
    await scene.with_api()
    assert (await refused("GetIntrospectionSchema", format="SDL"))[0] == "GraphQLSchemaException"
    definition = b"type Query { a: Int @aws_iam }  # a note\n"
    await scene.call("StartSchemaCreation", definition=definition)
    with_directives = await scene.call("GetIntrospectionSchema", format="SDL")
    assert b"a: Int @aws_iam\n" in with_directives["schema"]
    without = await scene.call("GetIntrospectionSchema", format="SDL", includeDirectives=False)
    assert b"a: Int\n" in without["schema"]
    answer = json.loads((await scene.call("GetIntrospectionSchema", format="JSON"))["schema"])
    types = {each["name"] for each in answer["data"]["__schema"]["types"]}
    assert {"Query", "AWSDateTime"} <= types


async def test_types_one_by_one(scene: Scene, refused: Refused) -> None:
    await scene.with_hello()
    assert [each["name"] for each in (await scene.call("ListTypes", format="SDL"))["types"]] == ["Item", "Query"]
    made = await scene.call("CreateType", definition="enum Size { S, L }", format="SDL")
    arn = scene.plane.arn(scene.api_id, "types", "Size")
    assert made["type"] == {"name": "Size", "arn": arn, "definition": "enum Size {\n  S\n  L\n}", "format": "SDL"}
    changed = "type Item { id: ID! size: Size }"
    await scene.call("UpdateType", typeName="Item", definition=changed, format="SDL")
    item = (await scene.call("GetType", typeName="Item", format="SDL"))["type"]
    assert (item["definition"], "description" in item) == ("type Item {\n  id: ID!\n  size: Size\n}", False)
    described = json.loads((await scene.call("GetType", typeName="Size", format="JSON"))["type"]["definition"])
    assert [value["name"] for value in described["enumValues"]] == ["S", "L"]
    assert await scene.data('{ hello(name: "a") }') == {"hello": "hello a test"}, "resolvers stay"
    code, message = await refused("DeleteType", typeName="Size")
    assert (code, "Unknown type 'Size'" in message) == ("BadRequestException", True)
    await scene.call("UpdateType", typeName="Item", definition="type Item { id: ID! }", format="SDL")
    await scene.call("DeleteType", typeName="Size")
    for operation, given, expected in (
        ("GetType", {"typeName": "Size", "format": "SDL"}, ("NotFoundException", "Type Size not found")),
        ("DeleteType", {"typeName": "Size"}, ("NotFoundException", "Type Size not found")),
        (
            "CreateType",
            {"definition": "type Item { a: Int }", "format": "SDL"},
            ("BadRequestException", "Type Item already exists."),
        ),
        (
            "CreateType",
            {"definition": "type A { a: Int } type B { a: Int }", "format": "SDL"},
            ("BadRequestException", "The definition must define one type, it defines 2."),
        ),
        (
            "UpdateType",
            {"typeName": "Item", "definition": "type B { a: Int }", "format": "SDL"},
            ("BadRequestException", "The definition does not define the type Item."),
        ),
        (
            "CreateType",
            {"definition": "{}", "format": "JSON"},
            ("BadRequestException", "callpark reads type definitions in SDL only."),
        ),
    ):
        assert await refused(operation, **given) == expected


SOURCES: list[tuple[str, dict[str, object], SourceConfig]] = [
    ("AMAZON_DYNAMODB", {"dynamodbConfig": {"tableName": "t", "awsRegion": "eu-west-1"}}, TableConfig("t")),
    ("HTTP", {"httpConfig": {"endpoint": "https://a"}}, HttpConfig("https://a")),
    (
        "HTTP",
        {
            "httpConfig": {
                "endpoint": "https://a",
                "authorizationConfig": {
                    "authorizationType": "AWS_IAM",
                    "awsIamConfig": {"signingRegion": "eu-west-1", "signingServiceName": "lambda"},
                },
            }
        },
        HttpConfig("https://a", Signing("eu-west-1", "lambda")),
    ),
    ("AMAZON_EVENTBRIDGE", {"eventBridgeConfig": {"eventBusArn": "arn:bus"}}, EventBusConfig("arn:bus")),
    (
        "RELATIONAL_DATABASE",
        {
            "relationalDatabaseConfig": {
                "relationalDatabaseSourceType": "RDS_HTTP_ENDPOINT",
                "rdsHttpEndpointConfig": {"dbClusterIdentifier": "c", "databaseName": "d", "awsRegion": "x"},
            }
        },
        DatabaseConfig("c", "d"),
    ),
    (
        "AMAZON_OPENSEARCH_SERVICE",
        {"openSearchServiceConfig": {"endpoint": "https://s", "awsRegion": "eu-west-1"}},
        SearchConfig("https://s", "eu-west-1"),
    ),
    (
        "AMAZON_ELASTICSEARCH",
        {"elasticsearchConfig": {"endpoint": "https://s", "awsRegion": "eu-west-1"}},
        SearchConfig("https://s", "eu-west-1"),
    ),
]


@pytest.mark.parametrize(("kind", "config", "expected"), SOURCES, ids=lambda value: str(value)[:24])
async def test_data_sources_of_each_type(
    scene: Scene, refused: Refused, kind: str, config: dict[str, object], expected: SourceConfig
) -> None:
    await scene.with_api()
    made = (await scene.call("CreateDataSource", name="s", type=kind, description="d", **config))["dataSource"]
    arn = scene.plane.arn(scene.api_id, "datasources", "s")
    assert made == {"name": "s", "type": kind, "description": "d", **config, "dataSourceArn": arn}
    assert await scene.call("GetDataSource", name="s") == {"dataSource": made}
    assert scene.plane.api(scene.api_id).definition.data_sources[0].configuration == expected
    (section,) = config
    assert await refused("UpdateDataSource", name="s", type=kind) == (
        "BadRequestException",
        f"{section} is required for data sources of type {kind}.",
    )


async def test_data_sources_are_known_unique_and_not_taken_away_from_users(scene: Scene, refused: Refused) -> None:
    await scene.with_hello()
    lambda_ = {"type": "AWS_LAMBDA", "lambdaConfig": {"lambdaFunctionArn": "arn:aws:lambda:us-east-1:1:function:f"}}
    await scene.call("CreateDataSource", name="f", **lambda_)
    await scene.call("CreateResolver", typeName="Query", fieldName="item", dataSourceName="f")
    bypassed = "Data source is still connected to a resolver that uses mapping template bypass."
    for operation, given, expected in (
        ("CreateDataSource", {"name": "none", "type": "NONE"}, "Data source with name none already exists"),
        ("UpdateDataSource", {"name": "gone", "type": "NONE"}, "No data source found named gone"),
        ("DeleteDataSource", {"name": "none"}, "Data source none is in use by resolver Query.hello."),
        ("UpdateDataSource", {"name": "f", "type": "NONE"}, bypassed),
        ("CreateDataSource", {"name": "h", "type": "HTTP", "httpConfig": {}}, "endpoint is required."),
    ):
        assert (await refused(operation, **given))[1] == expected
    await scene.call("DeleteResolver", typeName="Query", fieldName="item")
    await scene.call("DeleteDataSource", name="f")
    assert [each["name"] for each in (await scene.call("ListDataSources"))["dataSources"]] == ["none"]


async def test_a_pipeline_of_functions(scene: Scene, refused: Refused) -> None:
    await scene.with_hello()
    code = "export const request = (ctx) => ({ payload: `${ctx.prev.result ?? ''}x` });\nexport function response(ctx)"
    code += " { return ctx.result }"
    given = {"name": "x", "dataSourceName": "none", "code": code, "runtime": RUNTIME}
    made = (await scene.call("CreateFunction", **given))["functionConfiguration"]
    function_id = made["functionId"]
    arn = scene.plane.arn(scene.api_id, "functions", function_id)
    assert made == {**given, "functionId": function_id, "functionArn": arn, "maxBatchSize": 0}
    pipeline = resolver(
        kind="PIPELINE",
        dataSourceName=None,
        pipelineConfig={"functions": [function_id, function_id]},
        code="export const request = () => '';\nexport const response = (ctx) => ctx.prev.result;",
    )
    shown = (await scene.call("UpdateResolver", **pipeline))["resolver"]
    assert await scene.data("{ hello }") == {"hello": "xx"}
    assert await scene.call("ListResolversByFunction", functionId=function_id) == {"resolvers": [shown]}
    assert await refused("DeleteFunction", functionId=function_id) == (
        "BadRequestException",
        "Cannot delete a function which is currently used by a resolver: Query.hello.",
    )
    await scene.call("UpdateFunction", functionId=function_id, **{**given, "code": code.replace("x`", "y`")})
    assert await scene.data("{ hello }") == {"hello": "yy"}
    await scene.call("DeleteResolver", typeName="Query", fieldName="hello")
    await scene.call("DeleteFunction", functionId=function_id)
    gone = ("NotFoundException", f"No function found named {function_id}")
    assert await refused("GetFunction", functionId=function_id) == gone
    assert await refused("ListResolversByFunction", functionId=function_id) == gone


async def test_vtl_functions_have_a_version(scene: Scene, refused: Refused) -> None:
    await scene.with_hello()
    made = await scene.call("CreateFunction", name="v", dataSourceName="none", requestMappingTemplate="{}")
    assert made["functionConfiguration"]["functionVersion"] == "2018-05-29"
    with_both = {"name": "v", "dataSourceName": "none", "code": HELLO, "runtime": RUNTIME}
    assert await refused("CreateFunction", functionVersion="2018-05-29", **with_both) == (
        "BadRequestException",
        "Function version not supported with the provided runtime.",
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"typeName": "Gone"}, ("NotFoundException", "Type Gone not found")),
        ({"fieldName": "gone"}, ("NotFoundException", "No field named gone found on type Query")),
        ({"fieldName": "hello"}, ("BadRequestException", "Only one resolver is allowed per field.")),
        ({"dataSourceName": "gone"}, ("NotFoundException", "No data source found named gone")),
        ({"dataSourceName": None}, ("BadRequestException", "A data source must be specified for a unit resolver.")),
        (
            {"dataSourceName": None, "kind": "PIPELINE", "pipelineConfig": {"functions": ["a", "b"]}},
            (
                "NotFoundException",
                "The specified functions [a,b] must exist before referencing them from a resolver.",
            ),
        ),
        ({"runtime": None}, ("BadRequestException", "Both a runtime and code must be specified for APPSYNC_JS.")),
        (
            {"runtime": {"name": "APPSYNC_JS", "runtimeVersion": "2.0.0"}},
            ("BadRequestException", "The runtime must be APPSYNC_JS, version 1.0.0."),
        ),
        (
            {"requestMappingTemplate": "{}"},
            ("BadRequestException", "Mapping templates cannot be specified together with code."),
        ),
        ({"kind": "PIPELINE"}, ("BadRequestException", "A pipeline resolver cannot have a data source.")),
    ],
)
async def test_resolvers_that_are_refused(
    scene: Scene, refused: Refused, given: dict[str, object], expected: tuple[str, str]
) -> None:
    await scene.with_hello()
    assert await refused("CreateResolver", **resolver(**{"fieldName": "item", **given})) == expected
    assert len(scene.plane.api(scene.api_id).resolvers) == 1


async def test_broken_code_is_listed_as_appsync_lists_it(scene: Scene) -> None:
    await scene.with_hello()
    with pytest.raises(CallerError) as refused:
        await scene.call("UpdateResolver", **resolver(code="export function request(ctx) { while (1) {} }"))
    body = refused.value.body
    assert (body["message"], body["reason"]) == ("The code contains one or more errors.", "CODE_ERROR")
    (error, *_) = body["detail"]["codeErrors"]  # type: ignore[index]  # an answer's body is any JSON
    assert (error["errorType"], error["location"]["column"]) == ("LINT_ERROR", 32)
    assert await scene.data('{ hello(name: "a") }') == {"hello": "hello a test"}


async def test_a_broken_template_is_refused(scene: Scene, refused: Refused) -> None:
    await scene.with_hello()
    given = {"code": None, "runtime": None, "requestMappingTemplate": "#if(true"}
    code, message = await refused("UpdateResolver", **resolver(**given))
    assert (code, "resolver Query.hello request mapping template:1:" in message) == ("BadRequestException", True)


async def test_resolvers_rest_while_the_schema_lacks_their_field(scene: Scene, refused: Refused) -> None:
    await scene.with_hello()
    await scene.call("StartSchemaCreation", definition=b"type Query { other: Int }")
    assert await scene.data("{ other }") == {"other": None}
    assert (await refused("UpdateResolver", **resolver()))[1] == "No field named hello found on type Query"
    await scene.call("StartSchemaCreation", definition=b"type Query { hello(name: String): String }")
    assert await scene.data('{ hello(name: "a") }') == {"hello": "hello a test"}
    assert len((await scene.call("ListResolvers", typeName="Query"))["resolvers"]) == 1
    assert await refused("ListResolvers", typeName="Gone") == ("NotFoundException", "Type Gone not found")
    assert (await refused("GetResolver", typeName="Query", fieldName="x"))[0] == "NotFoundException"


async def test_evaluation(scene: Scene, refused: Refused) -> None:
    context = json.dumps({"arguments": {"name": "a"}, "env": {"STAGE": "s"}})
    answer = await scene.call("EvaluateCode", code=HELLO, context=context, function="request", runtime=RUNTIME)
    assert answer == {"evaluationResult": '{"payload":"hello a s"}', "logs": [], "stash": "{}", "outErrors": "[]"}
    failed = await scene.call("EvaluateCode", code="util.error(", context="{}", runtime=RUNTIME)
    assert set(failed) == {"error", "logs"}
    assert failed["error"]["codeErrors"]
    assert (await refused("EvaluateCode", code="", context="{}", runtime={"name": "x"}))[0] == "BadRequestException"
    template = '{"a": "$ctx.args.name"}'
    answer = await scene.call("EvaluateMappingTemplate", template=template, context=context)
    assert answer["evaluationResult"] == '{"a": "a"}'
