"""`callpark graphql`: requests to an API that is served, and code and templates evaluated without one."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callpark.app import App
from callpark.cli import commands
from callpark.cli.graphql_evaluation import frame
from callpark.serving import served
from callpark.settings import Settings
from tests.cli.till import callpark

pytestmark = pytest.mark.process

CODE = """
export function request(ctx) { return { payload: `hello ${ctx.args.name}` } }
export function response(ctx) { if (ctx.args.name === 'x') util.error('no', 'Sad'); return ctx.result }
"""
TEMPLATE = """
Resources:
  %(id)s: { Type: AWS::AppSync::GraphQLApi, Properties: { Name: %(id)s, AuthenticationType: API_KEY } }
  %(id)sKey: { Type: AWS::AppSync::ApiKey, Properties: { ApiId: !GetAtt %(id)s.ApiId } }
  %(id)sSchema: { Type: AWS::AppSync::GraphQLSchema, Properties:
                  { ApiId: !GetAtt %(id)s.ApiId, Definition: "type Query { hello(name: String): String }" } }
  %(id)sNone: { Type: AWS::AppSync::DataSource, Properties: { ApiId: !GetAtt %(id)s.ApiId, Name: None, Type: NONE } }
  %(id)sHello: { Type: AWS::AppSync::Resolver, Properties: { ApiId: !GetAtt %(id)s.ApiId, TypeName: Query,
                 FieldName: hello, DataSourceName: !GetAtt %(id)sNone.Name, CodeS3Location: hello.js } }
"""
HELLO = "query Q($name: String) { hello(name: $name) }"


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    (tmp_path / "hello.js").write_text(CODE)
    (tmp_path / "template.yaml").write_text(TEMPLATE % {"id": "Notes"})
    async with served(Settings(data=tmp_path / "data", port=0), tmp_path) as app:
        monkeypatch.setenv("CALLPARK_ENDPOINT", app.base_url)
        yield app


async def test_logs_of_an_api_by_its_name(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    (api,) = app.health().apis
    app.logs.append(f"/aws/appsync/apis/{api.id}", "s", "r-1", app.clock.now(), "r-1 Begin Request")
    for name in ("Notes", api.id):
        assert await callpark("logs", name) == 0
        assert capsys.readouterr().out.endswith("r-1 Begin Request\n")


async def test_a_query_in_every_way(app: App, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "q.graphql").write_text(HELLO)
    (tmp_path / "v.json").write_text('{"name": "file"}')
    for arguments, name in (
        (['{ hello(name: "text") }'], "text"),
        ([str(tmp_path / "q.graphql"), "--variables", f"@{tmp_path / 'v.json'}"], "file"),
        (["--api", "Notes", HELLO + " query R { hello }", "--operation", "Q", "--variables", "{}"], "undefined"),
    ):
        assert await callpark("graphql", *arguments) == 0
        assert json.loads(capsys.readouterr().out) == {"hello": f"hello {name}"}


async def test_errors_of_fields_are_told(app: App, capsys: pytest.CaptureFixture[str]) -> None:
    assert await callpark("graphql", '{ hello(name: "x") }') == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"hello": None}
    assert printed.err.splitlines() == ["error: at hello (1:3) no", "       AppSync calls this Sad"]
    assert await callpark("graphql", '{ hello(name: "x") }', "-o", "json") == 1
    assert json.loads(capsys.readouterr().out)["errors"][0]["errorType"] == "Sad"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["{ a }", "--api", "Other"], "no API has the name or id Other"),
        (["{ a }", "--variables", "[1]"], "not a JSON object"),
        (["{ a }", "--variables", "@/no/such"], "cannot read the variables /no/such"),
        (["/no/such.graphql"], "cannot read the document /no/such.graphql"),
        (["{ a }", "--header", "authorization"], "not a header"),
        (["{ hello }", "--api-key", "da2-wrong"], "You are not authorized to make this call"),
        (["{ hello }", "--header", "authorization: nobody"], "authorized"),
    ],
)
async def test_wrong_usage(app: App, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    assert await callpark("graphql", *arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert told in printed.err


async def test_without_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert await callpark("graphql", "{ a }", "--endpoint", "http://127.0.0.1:9") == 3
    assert "no callpark server answers" in capsys.readouterr().err


def evaluate(folder: Path, name: str, text: str, *arguments: str) -> int:
    (folder / name).write_text(text)
    return commands.run(["graphql", "eval", str(folder / name), *arguments])


def test_code_with_what_it_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "c.json").write_text('{"arguments": {"id": 7}, "result": {"a": 1}}')
    code = "export const request = (ctx) => { console.log('hi'); ctx.stash.a = 1; util.appendError('e'); return 1 };\n"
    code += "export const response = (ctx) => ctx.result;"
    assert evaluate(tmp_path, "r.js", code, "--context", str(tmp_path / "c.json")) == 0
    printed = capsys.readouterr()
    assert printed.out == "1\n"
    log, stash, errors = printed.err.splitlines()
    assert log == 'INFO - code.js:1:35: "hi"'
    assert stash == 'stash {"a":1}'
    assert errors.startswith('appended errors [{"message":"e"')
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"result": [1, 2]}')))
    assert evaluate(tmp_path, "code.txt", code, "--function", "response", "--context", "-", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == {"logs": [], "result": [1, 2], "stash": {}, "outErrors": []}


def test_templates_print_what_they_make(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(tmp_path, "t.vtl", '{"a": $util.toJson($ctx.args)}') == 0
    assert json.loads(capsys.readouterr().out) == {"a": {}}
    assert evaluate(tmp_path, "template", "hello ${ctx.args.name}") == 0
    assert capsys.readouterr().out == "hello ${ctx.args.name}\n"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "r.js",
            "export function request(ctx) {\n  let i = 0; i++;\n}",
            [
                "error: The code contains one or more errors.",
                "@:2:14: LINT_ERROR The operator ++ is not supported",
                "      1 | export function request(ctx) {",
                "    > 2 |   let i = 0; i++;",
                "        |              ^^^",
            ],
        ),
        (
            "r.js",
            "export function request(ctx) { return ctx.a.b }",
            [
                "error: @:1:39: TypeError: cannot read property 'b' of undefined",
                "    > 1 | export function request(ctx) { return ctx.a.b }",
                "        |                                       ^",
            ],
        ),
        ("r.js", "export function request(ctx) { util.error('no') }", ["error: no"]),
        (
            "t.vtl",
            "#if(true}",
            ["error: @:1:9: expected ')', found '}'", "    > 1 | #if(true}", "        |         ^"],
        ),
    ],
)
def test_errors_with_their_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, told: list[str]
) -> None:
    assert evaluate(tmp_path, name, text) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [line.replace("@", str(tmp_path / name)) for line in told]


def test_what_cannot_be_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["graphql", "eval", str(tmp_path / "gone.js")]) == 2
    (tmp_path / "c.json").write_text("[]")
    assert evaluate(tmp_path, "r.js", "export const request = () => 1", "--context", str(tmp_path / "c.json")) == 2
    assert "The context must be a JSON object." in capsys.readouterr().err


def test_frames_at_the_edges() -> None:
    assert list(frame("a", 1, 1, -1)) == ["> 1 | a", "    | ^"]
    assert list(frame("a", 9, 1)) == []
    assert list(frame("\n" * 9 + "x", 10, 1))[-2:] == ["> 10 | x", "     | ^"]
