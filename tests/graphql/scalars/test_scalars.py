"""AWS scalars: the forms of reference §14 by example, in queries, in variables and in answers."""
# ruff: noqa: E501 - tables read better unbroken

import pytest

from callpark.graphql.scalars.table import AWS_SCALARS
from graphql import GraphQLError, StringValueNode

pytestmark = pytest.mark.unit

ACCEPTED = [
    ("AWSDate", ["1970-01-01", "2024-02-29", "1970-01-01Z", "1970-01-01-07:00", "1970-01-01+05:30:15"]),
    ("AWSTime", ["12:30", "12:30:24", "12:30:24.5", "12:30:24.500Z", "12:30:24-07:00", "23:59:59.999999999+18:00"]),
    ("AWSDateTime", ["2018-02-06T19:01:35.758Z", "1970-01-01T12:30Z", "2018-02-06T19:01:35+05:30"]),
    ("AWSTimestamp", [0, -1, 1_700_000_000, 12.0]),
    ("AWSEmail", ["a@b.c", "first.last+tag@sub.example.com", '"odd one"@example.com', "x@[127.0.0.1]"]),
    (
        "AWSURL",
        ["https://www.amazon.com/dp/B000NZW3KC/", "mailto:example@example.com", "http://localhost:8080/a?b=//c"],
    ),
    ("AWSPhone", ["+441632960000", "415-555-2671", "415 555 2671", "+44 1632 960000", "+1-206-555-0100"]),
    ("AWSIPAddress", ["127.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "1.2.3.4/32"]),
    ("AWSJSON", ['{"a":1}', "[1,2]", "1", '"text"', "null", "true"]),
]
REFUSED = [
    ("AWSDate", ["1970-00-01", "2023-02-29", "1970-1-1", "1970-01-01T00:00Z", "1970-01-01+18:01", "", "١٩٧٠-٠١-٠١", 5, None]),
    ("AWSTime", ["24:00", "12:60", "12:30:60", "12", "12:30:24.", "12:30:24.5+7", 1230]),
    ("AWSDateTime", ["2018-02-06T19:01:35", "2018-02-06 19:01:35Z", "2018-02-30T19:01:35Z", "2018-02-06"]),
    ("AWSTimestamp", ["1", 1.5, True, None, "now"]),
    ("AWSEmail", ["a", "a@", "@b", "a b@c.d", "a@b..c", "a@-b.c", "a" * 400 + "@b.c"]),
    ("AWSURL", ["www.amazon.com", "//x/y", "http://", "http://a b", "http://h/a//b", "http://[::1/x", "http://h:99999999/"]),
    ("AWSPhone", ["+", "abc", "12", "+44 1632 960000 x1", "(415) 555-2671", "+999999999999999999999999", 441632960000]),
    ("AWSIPAddress", ["256.1.1.1", "1.2.3", "1.2.3.4/33", "::1/129", "1.2.3.4/255.0.0.0", "1.2.3.4/", "fe80::1/ 8", ""]),
    ("AWSJSON", ["{", "undefined", "", "{'a':1}", 5, {"a": 1}]),
]  # fmt: skip


def cases(table: list[tuple[str, list[object]]]) -> list[tuple[str, object]]:
    return [(name, value) for name, examples in table for value in examples]


@pytest.mark.parametrize(("name", "value"), cases(ACCEPTED))  # type: ignore[arg-type]
def test_accepted(name: str, value: object) -> None:
    rule = AWS_SCALARS[name]
    rule.check(value)
    if name != "AWSJSON":
        assert rule.serialize(value) == value
    if isinstance(value, str):
        assert rule.literal(StringValueNode(value=value)) == rule.check(value)


@pytest.mark.parametrize(("name", "value"), cases(REFUSED))  # type: ignore[arg-type]
def test_refused(name: str, value: object) -> None:
    with pytest.raises(GraphQLError):
        AWS_SCALARS[name].check(value)
    if isinstance(value, str):
        with pytest.raises(GraphQLError):
            AWS_SCALARS[name].literal(StringValueNode(value=value))


@pytest.mark.parametrize(
    ("value", "text"),
    [({"a": [1, None]}, '{"a":[1,null]}'), ([1], "[1]"), (5, "5"), ('{"a":1}', '{"a":1}'), ("plain", '"plain"')],
)
def test_json_goes_out_as_text(value: object, text: str) -> None:
    assert AWS_SCALARS["AWSJSON"].serialize(value) == text


def test_json_comes_in_as_a_value() -> None:
    assert AWS_SCALARS["AWSJSON"].check('{"a":[1,null]}') == {"a": [1, None]}
