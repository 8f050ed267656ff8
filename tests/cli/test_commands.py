"""Every command line ends with its exit code; what goes wrong is told in two lines, cause and remedy, never a trace."""

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread

import pytest

from callpark.cli import commands, exits, main

pytestmark = pytest.mark.process

FLOW = (
    '{"Version":"2019-10-30","StartAction":"a",'
    '"Actions":[{"Identifier":"a","Type":"%s","Parameters":%s,"Transitions":%s}]}'
)
SPEAKS_TO_NOBODY = FLOW % ("MessageParticipant", '{"Text":"hello"}', '{"NextAction":"nowhere"}')
HANGS_UP = FLOW % ("DisconnectParticipant", "{}", "{}")
FLIES = FLOW % ("FlyToTheMoon", "{}", "{}")
FUNCTION = (
    "Resources: {F: {Type: AWS::Lambda::Function, Properties: {%s, Runtime: python3.11, Handler: app.f, Role: r}}}"
)
CIRCLE = """
Resources:
  A: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref B}}
  B: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref A}}
"""
SCHEMA = """
Resources:
  G: {Type: AWS::AppSync::GraphQLApi, Properties: {Name: g, AuthenticationType: API_KEY}}
  S: {Type: AWS::AppSync::GraphQLSchema, Properties: {ApiId: !GetAtt G.ApiId, Definition: "type Query {"}}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CALLPARK_ENDPOINT", raising=False)
    return tmp_path


def error_of(arguments: Sequence[str], capsys: pytest.CaptureFixture[str], code: int) -> tuple[str, str]:
    """Cause and remedy of a command line that cannot be carried out."""
    assert commands.run(arguments) == code
    told = capsys.readouterr()
    assert told.out == ""
    errors = [line for line in told.err.splitlines() if not line.startswith("warning: ")]
    assert len(errors) == 2, told.err
    assert errors[0].startswith("error: ")
    assert errors[1].startswith("       ")
    return errors[0].removeprefix("error: "), errors[1].strip()


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--nope"], "No such option: --nope"),
        (["strt"], "No such command 'strt'"),
        (["call"], "Missing argument 'NUMBER|FLOW'"),
        (["start", "--port", "abc"], "Invalid value for '--port'"),
        (["start", "--port", "70000"], "Invalid value for '--port'"),
        (["status", "-o", "yaml"], "Invalid value for '-o'"),
        (["start", "nowhere"], "there is no project at nowhere"),
        (["dev", "nowhere"], "there is no project at nowhere"),
        (["start", "."], "there is no template in"),
        (["start", ".", "--limit", "nonsense"], "unknown limit: 'nonsense'"),
        (["limits", "--limit", "lambda.init_seconds=soon"], "limit lambda.init_seconds needs a number, not 'soon'"),
        (["start", ".", "--parameter", "x"], "not a parameter: 'x'"),
        (["start", ".", "--upstream", "dynamo=http://a"], "there is no AWS service named 'dynamo'"),
        (["start", ".", "--upstream", "s3"], "not an upstream: 's3'"),
        (["start", ".", "--host", "host.invalid"], "cannot listen on host.invalid:4566"),
        (["start", ".", "--port", "0", "--data", "file"], "the data directory"),
        (["call", "nowhere.json"], "there is no flow file at nowhere.json"),
        (["call", "+441632960000", "--project", "nowhere"], "there is no project at nowhere"),
        (["call", "folder"], "folder is a folder"),
        (["call", "file"], "file is neither a template nor a contact flow"),
        (["start", "notes.md"], "notes.md is neither a template nor a contact flow"),
        (["start", "broken.yaml"], "broken.yaml:1:"),
        (["call", "module.json"], "module.json is a flow module"),
        (["flow", "check", "loop.json"], "loop.json is a symbolic link to itself"),
        (["faults", "add", "F", "explode"], "no fault is called 'explode'"),
        (["call", "+441632960000", "--function", "X=a.py"], "--function goes with a flow file only"),
        (["call", "flow.json", "--function", "X"], "--function X: not a function"),
        (["call", "flow.json", "--function", "X=a.py"], "--function X=a.py: there is no file a.py"),
        (["call", "flow.json", "--function", "X=file"], "--function X=file: file is neither Python nor JavaScript"),
        (["call", "flow.json", "--keys", "12x"], "no phone has the key 'x'"),
        (
            ["call", "+441", "--endpoint", "http://127.0.0.1:9", "--project", "."],
            "a running server has its own project",
        ),
        (["invoke", "F", "--event", "nowhere.json"], "cannot read the event file nowhere.json"),
        (["invoke", "F", "--event", "file"], "the event is not JSON"),
        (["invoke", "F", "--project", ".", "--async"], "--async needs a running server"),
    ],
)
def test_wrong_usage(here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], cause: str) -> None:
    (here / "file").write_text("not json")
    (here / "flow.json").write_text(HANGS_UP)
    (here / "module.json").write_text(HANGS_UP.replace("{", '{"Settings": {}, ', 1))
    (here / "notes.md").write_text("[notes](\n")
    (here / "broken.yaml").write_text("[notes](\n")
    (here / "folder").mkdir()
    (here / "loop.json").symlink_to("loop.json")
    told, remedy = error_of(arguments, capsys, exits.USAGE)
    assert told.startswith(cause)
    assert remedy


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["nosuch"], "callpark --help"),
        (["start", "--nope"], "callpark start --help"),
        (["flow", "nosuch"], "callpark flow --help"),
        (["flow", "check"], "callpark flow check --help"),
        (["graphql", "eval", "--nope"], "callpark graphql eval --help"),
    ],
)
def test_the_remedy_names_the_help_of_the_command_that_was_meant(
    capsys: pytest.CaptureFixture[str], arguments: list[str], command: str
) -> None:
    assert error_of(arguments, capsys, exits.USAGE)[1] == f"`{command}` shows how"


def test_an_output_without_room_is_told(here: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", "from callpark.cli import main; main()", "limits"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert ended.returncode == exits.USAGE
    assert ended.stderr.splitlines()[0] == "error: the output cannot be written: no space is left"


def test_ctrl_c_while_a_class_is_made_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> int:
        raise RuntimeError("Error calling __set_name__ on 'Field' instance") from KeyboardInterrupt()

    def broken(_: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(commands, "run", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == exits.INTERRUPTED
    monkeypatch.setattr(commands, "run", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        main()


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("template.yaml", "Resources: [", "template.yaml:2:1: the YAML cannot be read"),
        (
            "template.yaml",
            FUNCTION % "Code: !Ref Nobody",
            "template.yaml:1: Resources.F.Properties.Code.Ref: there is no",
        ),
        (
            "template.yaml",
            FUNCTION % "Code: code.zip",
            "template.yaml:1: Resources.F.Properties.Code: code.zip is no zip",
        ),
        ("template.yaml", CIRCLE, "template.yaml:4: the resources depend on each other: A → B → A"),
        ("template.yaml", SCHEMA, "schema of API g:1:13: Syntax Error"),
        ("flow.json", '{"Version": ', "flow.json:1:13: the JSON cannot be read"),
        ("flow.json", SPEAKS_TO_NOBODY, "{here}/flow.json, Actions[0] (a): NextAction leads to 'nowhere'"),
        ("flow.json", "{}", "flow.json"),
    ],
)
def test_what_cannot_be_served(
    here: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, cause: str
) -> None:
    (here / name).write_text(text)
    (here / "code.zip").write_text("no zip")
    told, remedy = error_of(["start", name, "--port", "0"], capsys, exits.USAGE)
    assert cause.format(here=here) in told
    assert remedy


@pytest.mark.parametrize("command", [["status"], ["invoke", "F"], ["call", "+441632960000", "--keys", "1"]])
@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "nonsense", "ftp://127.0.0.1"])
def test_no_server(capsys: pytest.CaptureFixture[str], command: list[str], endpoint: str) -> None:
    told, remedy = error_of([*command, "--endpoint", endpoint], capsys, exits.UNREACHABLE)
    assert told.startswith(f"no callpark server answers at {endpoint}")
    assert "callpark start" in remedy


class Stranger(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<h1>hello</h1>")

    do_POST = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.mark.parametrize("command", [["status"], ["invoke", "F"], ["call", "+441632960000", "--keys", "1"]])
def test_another_server(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    with HTTPServer(("127.0.0.1", 0), Stranger) as stranger:
        thread = Thread(target=stranger.serve_forever)
        thread.start()
        endpoint = f"http://127.0.0.1:{stranger.server_port}"
        told, _ = error_of([*command, "--endpoint", endpoint], capsys, exits.UNREACHABLE)
        stranger.shutdown()
        thread.join()
    assert endpoint in told
    assert "else" in told


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["--version"]) == exits.OK
    assert capsys.readouterr().out == f"callpark {version('callpark')}\n"
    assert commands.run([]) == exits.USAGE
    assert "demo" in capsys.readouterr().out
    for command in ("start", "dev", "call", "invoke", "status", "limits", "demo"):
        assert commands.run([command, "--help"]) == exits.OK
        shown = capsys.readouterr().out
        assert "Examples" in shown
        assert f"callpark {command}" in shown


def test_limits_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["limits", "-o", "json", "--limit", "lambda.retry_base_seconds=5"]) == exits.OK
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["lambda.retry_base_seconds"]["value"] == 5
    assert all(row["source"] for row in rows.values())


def test_a_call_of_a_flow_that_hangs_up(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "flow.json").write_text(HANGS_UP)
    assert commands.run(["call", "flow.json", "--keys", "", "-o", "json"]) == exits.OK
    told = capsys.readouterr()
    made = json.loads(told.out)
    assert made["reason"] == "CONTACT_FLOW_DISCONNECT"
    assert made["seconds_of_silence"] < 1
    assert told.err == ""


def test_a_call_that_cannot_go_on_is_an_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "flow.json").write_text(FLIES)
    assert commands.run(["call", "flow.json", "--keys", ""]) == exits.FUNCTION_ERROR
    assert "FlyToTheMoon is not supported by callpark" in " ".join(capsys.readouterr().out.split())


def test_a_function_by_itself(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "app.py").write_text("def f(event, context):\n    print('seen')\n    return 1 / event['n']\n")
    (here / "template.yaml").write_text(FUNCTION % "FunctionName: Divide, Code: .")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"n": 2, "\xc3\xbc": "\xe2\x98\x8e"}')))
    assert commands.run(["invoke", "Divide", "--project", ".", "--event", "-"]) == exits.OK
    told = capsys.readouterr()
    assert told.out == "0.5\n"
    assert "seen" in told.err
    (here / "event.json").write_text('{"n": 0}')
    divide = ["invoke", "Divide", "--project", ".", "--event", "event.json", "-o", "json"]
    assert commands.run(divide) == exits.FUNCTION_ERROR
    answer = json.loads(capsys.readouterr().out)
    assert answer["functionError"] is True
    assert answer["payload"]["errorType"] == "ZeroDivisionError"
    assert commands.run(["invoke", "Nobody", "--project", "."]) == exits.USAGE
    assert "Function not found" in capsys.readouterr().err
