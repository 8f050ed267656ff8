"""A bundle as teams make it: TypeScript of two files, through esbuild 0.28 with the flags of the developer guide.

esbuild src/resolver.ts --bundle --sourcemap=inline --sources-content=false --target=esnext --platform=node
--format=esm --external:@aws-appsync/utils --outdir=out
"""

from pathlib import Path

import pytest

from callpark.graphql.runtimes.evaluation import Evaluation
from callpark.graphql.runtimes.js.host import CodeUnit, JavaScriptHost

pytestmark = pytest.mark.unit


@pytest.fixture
def bundle(host: JavaScriptHost) -> CodeUnit:
    return host.load((Path(__file__).parent / "bundle.js").read_text())


def evaluate(unit: CodeUnit, handler: str, **context: object) -> Evaluation:
    done = unit.evaluate(handler, context, "")
    assert isinstance(done, Evaluation)
    return done


def test_it_loads_without_a_word(bundle: CodeUnit) -> None:
    assert bundle.exports == {"request", "response"}
    assert bundle.warnings == ()


def test_it_runs_and_logs_in_the_authors_lines(bundle: CodeUnit) -> None:
    evaluation = evaluate(bundle, "request", arguments={"id": "1", "tags": ["a"], "n": 2})
    assert evaluation.logs == ('INFO - src/resolver.ts:10:5: "tag a"',)
    assert evaluation.value == {
        "operation": "UpdateItem",
        "key": {"pk": {"S": "MQ=="}, "kind": {"S": "a"}},
        "update": {
            "expression": "SET #expName_1 = :expValue_1, #expName_2 = list_append(#expName_2, :expValue_2)",
            "expressionNames": {"#expName_1": "n", "#expName_2": "tags"},
            "expressionValues": {":expValue_1": {"N": 2}, ":expValue_2": {"L": [{"S": "a"}]}},
        },
    }
    assert evaluate(bundle, "response", result={"items": [{"n": 1}, {}]}).value == [{"n": 2}, {"n": 1}]
    assert evaluate(bundle, "response", result=None).value == []


def test_misuse_stands_in_the_file_it_was_written_in(bundle: CodeUnit) -> None:
    halt = evaluate(bundle, "request", arguments={"id": 5}).halt
    assert halt is not None
    assert halt["message"] == "src/lib/keys.ts:9:16: util.base64Encode expects a string"
    assert evaluate(bundle, "request").halt == {
        "kind": "error",
        "message": "no id",
        "type": "Missing",
        "data": None,
        "errorInfo": None,
    }
