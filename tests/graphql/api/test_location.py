"""Which paths and hosts are ours, and which API they mean."""

import pytest

from callpark.graphql.api.location import Location, choose, locate, not_found
from callpark.graphql.model import ApiKey
from callpark.graphql.urls import graphql_url, realtime_url
from tests.graphql.api.toy import KEY, NEVER, api

pytestmark = pytest.mark.unit

AWS = "abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("path", "host", "expected"),
    [
        ("/apis/a1/graphql", "localhost:4566", Location("a1", "/graphql")),
        ("/apis/a1/graphql/", "localhost:4566", Location("a1", "/graphql")),
        ("/apis/a1/graphql/realtime", "localhost:4566", Location("a1", "/graphql/realtime")),
        ("/apis/a1/realtime", "localhost:4566", Location("a1", "/realtime")),
        ("/graphql", "localhost:4566", Location(None, "/graphql")),
        ("/graphql/realtime", "127.0.0.1", Location(None, "/graphql/realtime")),
        ("/realtime", "", Location(None, "/realtime")),
        ("/graphql", f"{AWS}.appsync-api.us-east-1.amazonaws.com", Location(AWS, "/graphql")),
        ("/graphql", f"{AWS}.appsync-api.localhost:4566", Location(AWS, "/graphql")),
        ("/graphql", f"{AWS}.appsync-realtime-api.us-east-1.amazonaws.com", Location(AWS, "/graphql")),
        ("/apis/a1/graphql", f"{AWS}.appsync-api.localhost", Location("a1", "/graphql")),
        ("/", "localhost", None),
        ("/apis", "localhost", None),
        ("/apis/a1", "localhost", None),
        ("/apis//graphql", "localhost", None),
        ("/apis/a/b/graphql", "localhost", None),
        ("/v1/apis/a1/graphql", "localhost", None),
        ("/graphqlx", "localhost", None),
        ("/graphql\n", "localhost", None),
        ("/_callpark/health", "localhost", None),
        ("/2015-03-31/functions/graphql/invocations", "localhost", None),
    ],
)
def test_locate(path: str, host: str, expected: Location | None) -> None:
    assert locate(path, host) == expected


def test_the_addresses_we_hand_out_are_served() -> None:
    base = "http://127.0.0.1:4566"
    assert locate(graphql_url(base, "a1").removeprefix(base), "127.0.0.1") == Location("a1", "/graphql")
    realtime = realtime_url(base, "a1").removeprefix("ws://127.0.0.1:4566")
    assert locate(realtime, "127.0.0.1") == Location("a1", "/graphql/realtime")


ONE, TWO = api("one"), api("two", keys=(ApiKey("da2-two", NEVER),))
BARE = Location(None, "/graphql")


def test_the_api_named_is_chosen() -> None:
    assert choose([ONE, TWO], Location("two", "/graphql"), {"x-api-key": KEY}) is TWO
    assert choose([ONE, TWO], Location("three", "/graphql"), {"x-api-key": KEY}) is None


def test_an_unnamed_api_is_the_only_one_or_the_owner_of_the_key() -> None:
    assert choose([ONE], BARE, {}) is ONE
    assert choose([ONE, TWO], BARE, {"x-api-key": "da2-two"}) is TWO
    assert choose([ONE, TWO], BARE, {"x-api-key": "unknown"}) is None
    assert choose([ONE, TWO], BARE, {}) is None
    assert choose([], BARE, {}) is None


def test_whoever_is_lost_is_told_where_to_go() -> None:
    assert not_found([ONE], Location("three", "/graphql")) == "GraphQL API three not found."
    assert not_found([], BARE) == "There is no GraphQL API."
    assert "/apis/one/graphql, /apis/two/graphql" in not_found([ONE, TWO], BARE)
