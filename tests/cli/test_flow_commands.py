"""`callpark flow check | convert | coverage` as people and pipelines call them."""

import json
from pathlib import Path
from typing import Any

import msgspec
import orjson
import pytest

from callpark.cli import commands, exits
from callpark.flows.coverage_file import CoverageFile, merged, recorded
from callpark.flows.happenings import ActionEntered
from callpark.flows.language import parse_flow
from tests.flows.building import Action, action, content, definition, hang_up, invoke, invoke_async, say

pytestmark = pytest.mark.process

SORRY = say("sorry", "Sorry.", "bye")
SILENT = (invoke("a", "b", "sorry"), invoke("b", "bye", "sorry"), SORRY, hang_up())
CLEAN = (say("hi", "Hi.", "bye"), hang_up())
LOOSE = (say("hi", "Hi.", "nowhere"), hang_up())
TEMPLATE = """
Resources:
  Line:
    Type: AWS::Connect::ContactFlow
    Properties:
      InstanceArn: arn:aws:connect:us-east-1:123456789012:instance/i
      Name: line
      Type: CONTACT_FLOW
      Content: '%s'
  F:
    Type: AWS::Lambda::Function
    Properties: {FunctionName: F, Runtime: python3.11, Handler: app.f, Role: r, Timeout: %d, Code: {ZipFile: "x=1"}}
"""
OLD = {
    "modules": [
        {
            "id": "hi",
            "type": "PlayPrompt",
            "branches": [{"condition": "Success", "transition": "bye"}],
            "parameters": [{"name": "Text", "value": "Hi.", "namespace": None}],
        },
        {"id": "bye", "type": "Disconnect", "branches": [], "parameters": []},
    ],
    "version": "1",
    "type": "contactFlow",
    "start": "hi",
    "metadata": {},
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    return tmp_path


def write(path: Path, *actions: Action) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(json.loads(content(*actions)), indent=2))
    return str(path)


def checked(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = exits.OK) -> dict[str, Any]:
    """The answer in JSON of a check that exits so."""
    assert commands.run(["flow", "check", *arguments, "-o", "json"]) == code
    answer: dict[str, Any] = orjson.loads(capsys.readouterr().out)
    return answer


def codes(answer: dict[str, Any]) -> list[str]:
    return [finding["code"] for finding in answer["findings"]]


def test_a_clean_flow(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(here / "flow.json", *CLEAN)
    assert commands.run(["flow", "check", path, "--strict"]) == exits.OK
    assert capsys.readouterr().out == "1 flow: nothing found\n"


def test_errors_fail_warnings_only_when_strict(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loose, silent = write(here / "loose.json", *LOOSE), write(here / "silent.json", *SILENT)
    assert codes(checked(capsys, silent)) == ["CP301"]
    assert codes(checked(capsys, silent, "--strict", code=exits.FINDINGS)) == ["CP301"]
    answer = checked(capsys, loose, silent, code=exits.FINDINGS)
    assert (answer["flows"], answer["errors"], answer["warnings"], answer["notes"]) == (2, 2, 2, 0)


def test_a_finding_in_text(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(here / "flows" / "silent.json", *SILENT)
    assert commands.run(["flow", "check", "flows"]) == exits.OK
    place, message, why, remedy, summary = capsys.readouterr().out.splitlines()
    assert place == "flows/silent.json:6:5: warning CP301 block 'a' (InvokeLambdaFunction)"
    assert message == "    up to 16 s of silence: 'a', 'b'"
    assert why.startswith("    why:    Callers take silence")
    assert remedy.startswith("    remedy: Start the function asynchronously")
    assert summary == "1 flow: 1 warning"


def test_a_finding_in_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (finding,) = checked(capsys, write(here / "silent.json", *SILENT))["findings"]
    assert {key: finding[key] for key in ("code", "severity", "file", "line", "column", "flow", "block", "type")} == {
        "code": "CP301",
        "severity": "warning",
        "file": "silent.json",
        "line": 6,
        "column": 5,
        "flow": "silent",
        "block": "a",
        "type": "InvokeLambdaFunction",
    }


def test_sarif(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the schema of SARIF 2.1.0 requires, and what scanners need to show a finding in its place."""
    path = write(here / "my flow.json", *SILENT, say("lost", "Hi.", "gone"))
    assert commands.run(["flow", "check", path, "-o", "sarif"]) == exits.FINDINGS
    log = orjson.loads(capsys.readouterr().out)
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-2.1.0.json")
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "callpark"
    rules = driver["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["shortDescription"]["text"]
        assert rule["help"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == "my%20flow.json"
        assert location["physicalLocation"]["region"]["startLine"] >= 1
        assert location["physicalLocation"]["region"]["startColumn"] >= 1
        assert location["logicalLocations"][0]["fullyQualifiedName"].startswith("my flow")


def test_what_is_ignored(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(here / "silent.json", *SILENT)
    assert codes(checked(capsys, path, "--ignore", "CP301")) == []
    assert codes(checked(capsys, path, "--ignore", "CP301:silent/b")) == ["CP301"]
    assert codes(checked(capsys, path, "--silence", "20")) == []
    (here / "connect.yaml").write_text("check: {ignore: ['CP301:silent/a']}")
    assert codes(checked(capsys, path)) == []
    (here / "connect.yaml").write_text("check: {silence: 16}")
    assert codes(checked(capsys, path)) == []
    assert codes(checked(capsys, path, "--silence", "15")) == ["CP301"]
    assert commands.run(["flow", "check", path, "--ignore", "CP999"]) == exits.USAGE
    assert "no finding to ignore called 'CP999'" in capsys.readouterr().err
    (here / "connect.yaml").write_text("check: {ignore: [nonsense]}")
    assert commands.run(["flow", "check", path]) == exits.USAGE


def test_a_project_knows_its_functions(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow = json.dumps(json.loads(content(invoke("call", "bye", "sorry"), SORRY, hang_up())))
    (here / "template.yaml").write_text(TEMPLATE % (flow, 30))
    (finding,) = checked(capsys, ".")["findings"]
    assert (finding["code"], finding["file"], finding["line"]) == ("CP201", "template.yaml", 9)
    (here / "template.yaml").write_text(TEMPLATE % (flow.replace("function:F", "function:G"), 30))
    assert codes(checked(capsys, "template.yaml")) == ["CP202"]
    (here / "template.yaml").write_text(TEMPLATE % (flow, 3))
    assert codes(checked(capsys, ".")) == []


EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """The payment line is in order; the one before is what it was made against."""
    assert codes(checked(capsys, str(EXAMPLES / "payment-line"), "--strict")) == []
    before = codes(checked(capsys, str(EXAMPLES / "payment-line" / "before")))
    assert {"CP201", "CP204", "CP301"} <= set(before)


def test_a_file_that_does_not_say_its_type(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whisper = json.loads(content(say("hi", "Hi.", "end"), action("end", "EndFlowExecution")))
    (here / "flow.json").write_text(json.dumps(whisper))
    assert commands.run(["flow", "check", "flow.json", "-o", "json"]) == exits.FUNCTION_ERROR
    (found,) = [item for item in json.loads(capsys.readouterr().out)["findings"] if item["code"] == "CP002"]
    assert found["remedy"].startswith("The file does not say its type")
    (here / "flow.json").write_text(json.dumps({**whisper, "Metadata": {"type": "contactFlow"}}))
    assert commands.run(["flow", "check", "flow.json", "-o", "json"]) == exits.FUNCTION_ERROR
    (found,) = [item for item in json.loads(capsys.readouterr().out)["findings"] if item["code"] == "CP002"]
    assert found["remedy"].startswith("Do what the message says")
    (here / "flow.json").write_text(json.dumps({**whisper, "Metadata": {"type": "agentWhisper"}}))
    assert commands.run(["flow", "check", "flow.json"]) == exits.OK


def test_what_a_file_says_it_is(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A queue flow on its own is checked as one: by the API's Type, by the console's metadata."""
    queue = json.loads(content(say("a", "Hello.", "b"), say("b", "Again.", "a")))
    (here / "api.json").write_text(json.dumps({"Name": "q", "Type": "CUSTOMER_QUEUE", "Content": json.dumps(queue)}))
    (here / "console.json").write_text(json.dumps({**queue, "Metadata": {"type": "customerQueue"}}))
    (here / "plain.json").write_text(json.dumps(queue))
    assert codes(checked(capsys, "api.json", "console.json")) == []
    assert codes(checked(capsys, "plain.json")) == ["CP113"]


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        ("{", "CP001", "JSON"),
        ('{"Actions": [], "StartAction": "", "Version": "2019-10-30"}', "CP001", "no list of actions"),
        (json.dumps(OLD), "CP004", "legacy export format"),
        ('{"Actions": {"a": 1}, "StartAction": "x", "Version": "3"}', "CP001", "version '3'"),
    ],
)
def test_what_is_no_flow(here: Path, capsys: pytest.CaptureFixture[str], text: str, code: str, told: str) -> None:
    (here / "flow.json").write_text(text)
    (finding,) = checked(capsys, "flow.json", code=exits.FINDINGS)["findings"]
    assert finding["code"] == code
    assert told in finding["message"]


def test_nothing_to_check(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "empty").mkdir()
    (here / "empty" / "package.json").write_text("{}")
    for path in ("nowhere.json", "empty"):
        assert commands.run(["flow", "check", path]) == exits.USAGE
        error, remedy = capsys.readouterr().err.splitlines()
        assert error.startswith("error: there is no")
        assert remedy.startswith("       ")


def test_a_legacy_export_is_converted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "old.json").write_text(json.dumps(OLD))
    assert commands.run(["flow", "convert", "old.json"]) == exits.OK
    printed = capsys.readouterr()
    assert commands.run(["flow", "convert", "old.json", "-o", "new.json"]) == exits.OK
    assert (here / "new.json").read_text() == printed.out
    assert json.loads(printed.out)["Actions"][0]["Type"] == "MessageParticipant"
    capsys.readouterr()
    assert checked(capsys, "new.json", "--strict")["findings"] == []


def test_what_cannot_be_converted_is_listed_and_nothing_is_written(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    modules = [*OLD["modules"], {"id": "w", "type": "SetWisdomAssistant", "branches": []}]
    (here / "old.json").write_text(json.dumps({**OLD, "modules": modules}))
    assert commands.run(["flow", "convert", "old.json", "-o", "new.json"]) == exits.FINDINGS
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("not converted: SetWisdomAssistant w: there is no known counterpart\n1 of the blocks")
    assert not (here / "new.json").exists()


def test_only_legacy_exports_are_converted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run(["flow", "convert", write(here / "flow.json", *CLEAN)]) == exits.USAGE
    assert "is in the flow language already" in capsys.readouterr().err
    (here / "old.json").write_text(json.dumps(OLD))
    assert commands.run(["flow", "convert", "old.json", "-o", "no/such/folder.json"]) == exits.USAGE


MENU = parse_flow(definition(invoke_async("call", "bye", "sorry"), SORRY, hang_up(), name="line"))


def entered(action: str, source: str, via: str) -> ActionEntered:
    return ActionEntered("contact", action, "", False, source, via, "line")


def save(path: Path, *happenings: ActionEntered) -> str:
    path.write_bytes(msgspec.json.encode(recorded([MENU], happenings)))
    return str(path)


def test_calls_add_up(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = save(here / "1.json", entered("bye", "call", "NextAction"))
    second = save(here / "2.json", entered("sorry", "call", "error NoMatchingError"))
    assert commands.run(["flow", "coverage", first]) == exits.OK
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "line: 25 %, 1 of 4 edges, 1 call"
    assert "    not taken: 'call' (InvokeLambdaFunction) error NoMatchingError → 'sorry'" in shown
    assert commands.run(["flow", "coverage", first, second, "-o", "json", "--minimum", "50"]) == exits.OK
    answer = orjson.loads(capsys.readouterr().out)
    assert (answer["percent"], answer["flows"][0]["calls"]) == (50.0, 2)
    assert {branch["block"] for branch in answer["flows"][0]["missing"]} == {"sorry"}
    assert commands.run(["flow", "coverage", first, second, "--minimum", "51"]) == exits.FINDINGS


def test_a_flow_that_changed_meanwhile() -> None:
    before = recorded([MENU], [entered("bye", "call", "NextAction"), entered("bye", "sorry", "NextAction")])
    changed = parse_flow(definition(invoke_async("call", "bye", "bye"), hang_up(), name="line"))
    together = merged([before, recorded([changed], [])])
    (flow,) = together.flows
    assert [branch.block for branch in flow.taken] == ["call"]
    assert [branch.key for branch in flow.missing] == ["error NoMatchingError"]
    assert merged([]) == CoverageFile()


@pytest.mark.parametrize("text", ["", "{", '{"version": 2}', '{"version": 1, "flows": [{}]}', "[]"])
def test_what_is_no_coverage_file(here: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (here / "calls.json").write_text(text)
    assert commands.run(["flow", "coverage", "calls.json"]) == exits.USAGE
    assert commands.run(["flow", "coverage", "nowhere.json"]) == exits.USAGE
    assert "coverage file" in capsys.readouterr().err


def test_a_call_notes_what_it_took(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(here / "flow.json", *CLEAN)
    quick = ["--limit", "connect.words_per_minute=60000"]
    for number in (1, 2):
        assert commands.run(["call", path, "--keys", "", *quick, "--coverage", "calls.json", "-o", "json"]) == exits.OK
        assert commands.run(["flow", "coverage", "calls.json"]) == exits.OK
        calls = f"{number} call{'s' * (number > 1)}"
        assert f"flow: 50 %, 1 of 2 edges, {calls}\n" in capsys.readouterr().out
    (here / "calls.json").write_text("nonsense")
    assert commands.run(["call", path, "--keys", "", "--coverage", "calls.json"]) == exits.USAGE


def test_strict_refuses_what_aws_would(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = say("hi", "Hi.", "bye")
    wrong["Parameters"] = {"Text": "Hi.", "Colour": "red"}
    path = write(here / "flow.json", wrong, hang_up())
    quick = ["--keys", "", "--limit", "connect.words_per_minute=60000"]
    assert commands.run(["call", path, *quick]) == exits.OK
    assert "Invalid Action property name: Colour" in capsys.readouterr().err
    assert commands.run(["call", path, *quick, "--strict"]) == exits.USAGE
    assert "cannot be published" in capsys.readouterr().err
    assert commands.run(["call", path, "--strict", "--endpoint", "http://127.0.0.1:1"]) == exits.USAGE
