"""What a schema may not say in AppSync, and what util.authType says of each way in. Reference §4.1, §13, §14."""

import pytest

from callpark.graphql.resolvers.run import AUTH_TYPES
from callpark.kernel.errors import ProjectError
from tests.graphql.conftest import Bench

pytestmark = pytest.mark.unit

REFUSED = [
    ("scalar Money type Query { a: Money }", "custom scalar 'Money': AppSync has no custom scalars"),
    ("type AWSThing { a: Int } type Query { a: AWSThing }", "names that begin with AWS are reserved"),
    ("input AWSInput { a: Int } type Query { a(b: AWSInput): Int }", "names that begin with AWS are reserved"),
    ("enum AWSKind { A } type Query { a: AWSKind }", "names that begin with AWS are reserved"),
    ("scalar AWSMoney type Query { a: AWSMoney }", "custom scalar 'AWSMoney'"),
]


@pytest.mark.parametrize(("schema", "cause"), REFUSED, ids=[schema[:30] for schema, _ in REFUSED])
def test_refused(bench: Bench, schema: str, cause: str) -> None:
    with pytest.raises(ProjectError) as refused:
        bench.api(schema, {})
    assert cause in refused.value.cause
    assert refused.value.remedy


@pytest.mark.parametrize(
    "schema",
    [
        "scalar AWSDate type Query { a: AWSDate }",  # tools write down what AppSync brings
        "type Awsome { a: AWSJSON } type Query { a: Awsome awsB(c: AWSTimestamp): ID }",
    ],
)
def test_accepted(bench: Bench, schema: str) -> None:
    assert bench.api(schema, {}) == []


AUTHORIZATIONS = [
    ("API_KEY", "API Key Authorization"),
    ("AWS_IAM", "IAM Authorization"),
    ("AMAZON_COGNITO_USER_POOLS", "User Pool Authorization"),
    ("OPENID_CONNECT", "Open ID Connect Authorization"),
    ("AWS_LAMBDA", "Lambda Authorization"),
]


@pytest.mark.parametrize(("mode", "text"), AUTHORIZATIONS)
def test_what_auth_type_says(mode: str, text: str) -> None:
    assert AUTH_TYPES[mode] == text
