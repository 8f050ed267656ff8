"""The constraints of Lambda's model in AWS's words."""

from collections.abc import Mapping

import pytest

from callpark.gateway.codecs import operation_codec
from callpark.kernel.errors import CallerError

pytestmark = pytest.mark.unit

ROLE = "arn:aws:iam::123456789012:role/r"
DESTINATION_PATTERN = (
    r"$|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:"
    r"((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)"
)


def refusal(operation: str, parameters: Mapping[str, object], service: str = "lambda") -> CallerError | None:
    try:
        operation_codec(service, operation, "json" if service == "sqs" else "rest-json").validate(parameters)
    except CallerError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("operation", "parameters", "text"),
    [
        (
            "Invoke",
            {"FunctionName": "f", "InvocationType": "Later"},
            "1 validation error detected: Value 'Later' at 'invocationType' failed to satisfy constraint: "
            "Member must satisfy enum value set: [Event, RequestResponse, DryRun]",
        ),
        (
            "PutFunctionEventInvokeConfig",
            {"FunctionName": "f", "MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 59},
            "2 validation errors detected: Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: "
            "Member must have value less than or equal to 2; Value '59' at 'maximumEventAgeInSeconds' failed to "
            "satisfy constraint: Member must have value greater than or equal to 60",
        ),
        (
            "PutFunctionEventInvokeConfig",
            {"FunctionName": "f", "DestinationConfig": {"OnFailure": {"Destination": "nonsense"}}},
            "1 validation error detected: Value 'nonsense' at 'destinationConfig.onFailure.destination' failed to "
            "satisfy constraint: Member must satisfy regular expression pattern: " + DESTINATION_PATTERN,
        ),
        (
            "CreateFunction",
            {"FunctionName": "f", "Role": ROLE, "Code": {}, "Architectures": ["x86_64", "arm64"]},
            "1 validation error detected: Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: "
            "Member must have length less than or equal to 1",
        ),
        (
            "CreateFunction",
            {"FunctionName": "f", "Role": ROLE, "Code": {}, "Architectures": ["mips"]},
            "1 validation error detected: Value '[mips]' at 'architectures' failed to satisfy constraint: "
            "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]",
        ),
        (
            "UpdateFunctionConfiguration",
            {"FunctionName": "f", "Environment": {"Variables": {"1bad": "x"}}},
            "1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: "
            "Map keys must satisfy constraint: "
            "[Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]",
        ),
        (
            "CreateFunction",
            {"FunctionName": "f", "Code": {}},
            "1 validation error detected: Value null at 'role' failed to satisfy constraint: Member must not be null",
        ),
    ],
)
def test_lambda_texts(operation: str, parameters: dict[str, object], text: str) -> None:
    error = refusal(operation, parameters)
    assert error is not None
    assert (error.code, error.status, error.body) == ("ValidationException", 400, {"message": text})


@pytest.mark.parametrize("name", ["f:$LATES", "arn:aws:lambda:x", "a" * 300])
def test_names_and_qualifiers_are_left_to_the_slice(name: str) -> None:
    assert refusal("Invoke", {"FunctionName": name, "Qualifier": "!" * 200}) is None


def test_a_sensitive_value_is_not_repeated() -> None:
    variables = {"FunctionName": "f", "Environment": {"Variables": {"1bad": "secret"}}}
    error = refusal("UpdateFunctionConfiguration", variables)
    assert error is not None
    assert "secret" not in error.message


def test_valid_parameters_pass() -> None:
    layers = {"FunctionName": "f", "Role": ROLE, "Code": {"ZipFile": b"PK"}, "Timeout": 3, "Tags": {"a": "b"}}
    assert refusal("CreateFunction", layers) is None


def test_sqs_names_the_missing_parameter() -> None:
    error = refusal("SendMessage", {"QueueUrl": "u"}, "sqs")
    assert error is not None
    assert (error.code, error.message) == (
        "MissingRequiredParameterException",
        "The request must contain the parameter MessageBody.",
    )


def test_sqs_words_its_ranges_itself() -> None:
    assert refusal("ReceiveMessage", {"QueueUrl": "u", "MaxNumberOfMessages": 11}, "sqs") is None


def test_a_pattern_that_the_model_escapes_twice_means_what_it_says() -> None:
    assert refusal("ClaimPhoneNumber", {"PhoneNumber": "+441632960000"}, "connect") is None
    refused = refusal("ClaimPhoneNumber", {"PhoneNumber": "01632 960000"}, "connect")
    assert refused is not None
    assert refused.code == "InvalidParameterException"
