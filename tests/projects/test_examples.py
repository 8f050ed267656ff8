"""The example projects load, say nothing they need not say, and hold what their READMEs promise."""

import json
from pathlib import Path

import pytest

from tests.projects.projects import load

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("folder", "number", "functions"),
    [
        ("payment-line", "+441632960000", {"CardCheck", "FraudScore", "CrmLookup"}),
        ("payment-line/before", "+441632960000", {"CrmLookup", "FraudScore", "StartCardCheck", "PollCardCheck"}),
        ("crm-update", "+441632960001", {"FindCustomer", "UpdateCrm"}),
        ("crm-update/before", "+441632960001", {"FindCustomer", "UpdateCrm"}),
        ("application-status", "+441632960002", {"Register", "Documents", "Decision"}),
        ("application-status/before", "+441632960002", {"Register", "Documents", "Decision"}),
    ],
)
def test_the_phone_lines(folder: str, number: str, functions: set[str]) -> None:
    project = load(EXAMPLES / folder)
    assert project.warnings == ()
    arns = {f"arn:aws:lambda:us-east-1:123456789012:function:{name}" for name in functions}
    assert {function.configuration.name for function in project.functions} == functions
    assert project.instance is not None
    assert set(project.instance.function_arns) == arns
    assert not project.instance.all_functions
    (flow,), (claimed,) = project.flows, project.numbers
    assert (claimed.number, claimed.flow_arn) == (number, flow.arn)
    actions = json.loads(flow.content)["Actions"]
    called = {action["Parameters"]["LambdaFunctionARN"] for action in actions if "Lambda" in json.dumps(action)
              if action["Type"] == "InvokeLambdaFunction"}  # fmt: skip
    assert called == arns
    for function in project.functions:
        assert (function.code.path / "app.py").is_file()


def test_the_story() -> None:
    project = load(EXAMPLES / "story-stream")
    assert project.warnings == ()
    (api,) = project.apis
    function = next(function for function in project.functions if function.configuration.name == "Narrator")
    (key,) = api.api_keys
    environment = function.configuration.environment
    assert environment["API_KEY"] == key.key
    assert environment["GRAPHQL_URL"] == f"http://127.0.0.1:4566/apis/{api.api_id}/graphql"
    assert {(resolver.field_name, resolver.kind) for resolver in api.resolvers} == {
        ("tellStory", "UNIT"),
        ("cancelStory", "UNIT"),
        ("publishToken", "UNIT"),
    }
    assert "@aws_subscribe" in api.schema


def test_the_story_as_it_was_before() -> None:
    project, after = load(EXAMPLES / "story-stream" / "before"), load(EXAMPLES / "story-stream")
    assert project.warnings == ()
    source = next(source for source in project.sources if source.function == "NarratorOfTheQueue")
    queues = {queue.name: queue for queue in project.queues}
    narrator = next(f for f in project.functions if f.configuration.name == "NarratorOfTheQueue")
    assert (source.queue_arn, source.function) == (queues["Stories"].arn, "NarratorOfTheQueue")
    assert source.settings.batch_size == 1
    assert int(queues["Stories"].attributes["VisibilityTimeout"]) == 6 * narrator.configuration.timeout_seconds
    assert (len(project.resource_types), len(after.resource_types)) == (22, 17)
    readme = (EXAMPLES / "story-stream" / "README.md").read_text()
    assert "| resources in the deployed template | 22 | 17 |" in readme


def test_before_and_after_have_the_same_face() -> None:
    before, after = load(EXAMPLES / "story-stream" / "before"), load(EXAMPLES / "story-stream")
    assert before.apis[0].schema == after.apis[0].schema
    assert before.models == after.models
