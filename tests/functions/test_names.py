"""Names, partial ARNs, ARNs, qualifiers and their refusals, as recorded (lambda.md §2.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.functions.names import NAME_PATTERN, QUALIFIER_PATTERN, FunctionReference, parse, parse_new
from callpark.kernel.arn import Place
from callpark.kernel.errors import CallerError

pytestmark = pytest.mark.unit

PLACE = Place("123456789012", "us-east-1")
ARN = "arn:aws:lambda:us-east-1:123456789012:function:F"


def refused(function: str, qualifier: str | None = None) -> CallerError:
    with pytest.raises(CallerError) as refusal:
        parse(function, qualifier, PLACE)
    return refusal.value


@pytest.mark.parametrize(
    ("function", "qualifier", "name", "expected"),
    [
        ("F", None, "F", None),
        ("F", "alias", "F", "alias"),
        ("F:alias", None, "F", "alias"),
        ("F:7", None, "F", "7"),
        ("F:$LATEST", None, "F", "$LATEST"),
        ("F:$LATEST", "$LATEST", "F", "$LATEST"),
        ("F:$LATEST.PUBLISHED", None, "F", "$LATEST.PUBLISHED"),
        ("123456789012:function:F", None, "F", None),
        ("123456789012:function:F:7", None, "F", "7"),
        ("function:F", None, "F", None),
        (ARN, None, "F", None),
        (f"{ARN}:alias", "alias", "F", "alias"),
        # an incomplete ARN is taken as a function named `function`
        ("arn:aws:lambda:us-east-1:123456789012:function", None, "function", None),
        ("F", "$latest", "F", "$latest"),
        ("F" * 65, None, "F" * 65, None),
    ],
)
def test_accepted(function: str, qualifier: str | None, name: str, expected: str | None) -> None:
    assert parse(function, qualifier, PLACE) == FunctionReference(name, expected, "123456789012")


@pytest.mark.parametrize(
    "function",
    [
        "arn:aws:lambda:nowhere:123456789012:function:F",
        "arn:aws:lambda:us-east-1::function:F",
        "arn:aws:sqs:us-east-1:123456789012:F",
        "F:1:2",
        "F:$LATES",
        "",
        "F\n",
        "Fü",
        "a b",
    ],
)
def test_a_name_that_breaks_the_pattern(function: str) -> None:
    refusal = refused(function)
    assert (refusal.code, refusal.status) == ("ValidationException", 400)
    assert refusal.body == {
        "message": f"1 validation error detected: Value '{function}' at 'functionName' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {NAME_PATTERN}"
    }


def test_a_bad_qualifier_is_listed_before_a_bad_name() -> None:
    assert refused("F:1:2", "!").message == (
        "2 validation errors detected: Value '!' at 'qualifier' failed to satisfy constraint: Member must "
        f"satisfy regular expression pattern: {QUALIFIER_PATTERN}; Value 'F:1:2' at "
        f"'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: {NAME_PATTERN}"
    )


def test_a_long_qualifier() -> None:
    assert refused("F", "q" * 129).message == (
        f"1 validation error detected: Value '{'q' * 129}' at 'qualifier' failed to satisfy constraint: "
        "Member must have length less than or equal to 128"
    )


def test_qualifiers_that_contradict_each_other() -> None:
    refusal = refused(f"{ARN}:1", "2")
    assert (refusal.code, refusal.status) == ("InvalidParameterValueException", 400)
    assert refusal.body == {
        "Type": "User",
        "message": "The derived qualifier from the function name does not match the specified qualifier.",
    }


def test_another_region() -> None:
    refusal = refused(ARN.replace("us-east-1", "eu-west-2"))
    assert (refusal.code, refusal.status) == ("ResourceNotFoundException", 404)
    assert refusal.body == {
        "Type": "User",
        "Message": "Functions from 'eu-west-2' are not reachable in this region ('us-east-1')",
    }


def test_contradicting_qualifiers_come_before_another_region() -> None:
    other = ARN.replace("us-east-1", "eu-west-2")
    assert refused(f"{other}:1", "2").code == "InvalidParameterValueException"


def test_another_account_is_kept_apart() -> None:
    assert parse(ARN.replace("123456789012", "210987654321"), None, PLACE).account == "210987654321"


def test_new_names_are_shorter_and_have_no_dots() -> None:
    assert parse_new(ARN, PLACE) == "F"
    for name, rule in (("F" * 65, "have length less than or equal to 64"), ("a.b", "satisfy regular expression")):
        with pytest.raises(CallerError, match=rule):
            parse_new(name, PLACE)


@given(st.text(max_size=300), st.one_of(st.none(), st.text(max_size=140)))
def test_any_text_is_parsed_or_refused_as_aws_would(function: str, qualifier: str | None) -> None:
    try:
        name, status = parse(function, qualifier, PLACE).name, 200
    except CallerError as refusal:
        name, status = "", refusal.status
    assert name in function
    assert status in (200, 400, 404)
