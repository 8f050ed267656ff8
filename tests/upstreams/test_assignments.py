"""Who serves what: assignments, and the choice for one service."""

import pytest

from callpark.cli.options import upstreams
from callpark.cli.status import show_resources
from callpark.health import Health, UpstreamHealth
from callpark.kernel.errors import ProjectError
from callpark.upstreams.assignments import Assignments, Emulator, Fallback, Nobody, RealAws, parse
from callpark.upstreams.models import service_names

pytestmark = pytest.mark.unit

SERVICES = frozenset({"dynamodb", "s3", "events", "lambda"})


def test_each_service_has_its_own_server_and_all_others_the_default() -> None:
    given = ["dynamodb=http://127.0.0.1:8000", "all=http://localhost:4577/", "s3=aws"]
    assignments = parse(given, SERVICES)
    assert assignments.server("dynamodb", fallback=True) == Emulator("http://127.0.0.1:8000")
    assert assignments.server("s3", fallback=True) == RealAws()
    assert assignments.server("events", fallback=True) == Emulator("http://localhost:4577")


def test_the_last_assignment_of_a_service_counts() -> None:
    assignments = parse(["s3=http://a", "s3=http://b:1"], SERVICES)
    assert assignments.server("s3", fallback=False) == Emulator("http://b:1")


def test_without_an_assignment_the_fallback_serves_when_it_is_there() -> None:
    assert Assignments().server("s3", fallback=True) == Fallback()
    nobody = Assignments().server("s3", fallback=False)
    assert isinstance(nobody, Nobody)
    assert "install callpark[aws]" in nobody.remedy
    assert "--upstream s3=" in nobody.remedy


def test_nobody_can_be_asked_for() -> None:
    assignments = parse(["all=none", "s3=aws"], SERVICES)
    nobody = assignments.server("dynamodb", fallback=True)
    assert nobody == Nobody("leave out --upstream all=none")
    assert assignments.server("s3", fallback=True) == RealAws()


@pytest.mark.parametrize(("given", "reaches"), [("s3=aws", True), ("all=aws", True), ("s3=http://a", False)])
def test_whether_credentials_of_the_user_are_used(given: str, reaches: bool) -> None:
    assert parse([given], SERVICES).reaches_aws() is reaches


def test_keys_in_the_address_are_what_requests_are_signed_with() -> None:
    server = parse(["s3=http://minio:a%2Fb@localhost:9000"], SERVICES).server("s3", fallback=False)
    assert server == Emulator("http://localhost:9000", "minio", "a/b")
    assert "a/b" not in repr(server)


@pytest.mark.parametrize(
    ("given", "cause", "remedy"),
    [
        ("dynamodb", "not an upstream: 'dynamodb'", "--upstream SERVICE=URL"),
        ("=http://a", "not an upstream", "--upstream SERVICE=URL"),
        ("s3=ftp://a", "not the address of an upstream: 'ftp://a'", "--upstream SERVICE=URL"),
        ("s3=http://a:notaport", "not the address of an upstream", "--upstream SERVICE=URL"),
        ("s3=http://a/path", "ends after its port", "--upstream SERVICE=URL"),
        ("s3=http://key@a", "need both parts", "ACCESS_KEY:SECRET_KEY"),
        ("dynamo=http://a", "there is no AWS service named 'dynamo'", "did you mean dynamodb?"),
        ("zzz=http://a", "there is no AWS service named 'zzz'", "as boto3 and the AWS CLI have it"),
    ],
)
def test_what_cannot_be_assigned(given: str, cause: str, remedy: str) -> None:
    with pytest.raises(ProjectError) as error:
        parse([given], SERVICES)
    assert cause in error.value.cause
    assert remedy in error.value.remedy


@pytest.mark.parametrize("given", ["lambda=http://a", "s3=http://127.0.0.1:4566", "all=http://127.0.0.1:4566"])
def test_callpark_keeps_its_own_services_and_is_no_upstream_of_itself(given: str) -> None:
    with pytest.raises(ProjectError, match="callpark"):
        parse([given], SERVICES).check({"lambda"}, "http://127.0.0.1:4566")


def test_models_are_named_elsewhere() -> None:
    with pytest.raises(ProjectError, match="bedrock-runtime is served by callpark itself") as error:
        parse(["bedrock-runtime=aws"], {"bedrock-runtime"}).check({"bedrock-runtime"}, "http://127.0.0.1:4566")
    assert "models.yaml" in error.value.remedy


def test_the_command_line_comes_after_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLPARK_UPSTREAMS", "s3=http://a, dynamodb=aws ,")
    assignments = upstreams(["s3=http://b"])
    assert assignments.server("s3", fallback=True) == Emulator("http://b")
    assert assignments.server("dynamodb", fallback=True) == RealAws()


def test_status_says_who_serves_what(capsys: pytest.CaptureFixture[str]) -> None:
    served_by = [UpstreamHealth("dynamodb", "http://127.0.0.1:8000"), UpstreamHealth("all", "moto")]
    show_resources(Health("ready", "us-east-1", "123456789012", [], [], [], [], served_by))
    assert capsys.readouterr().out == "  upstream  dynamodb  http://127.0.0.1:8000\n  upstream  all others  moto\n"


def test_service_names_are_botocores() -> None:
    assert {"dynamodb", "s3", "sns", "events", "stepfunctions", "secretsmanager"} <= set(service_names())
