"""The three ways in which a websocket shows credentials."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.graphql.auth.credentials import of_headers, of_websocket

pytestmark = pytest.mark.unit

OBJECT = {"host": "story.appsync-api.us-east-1.amazonaws.com", "x-api-key": "da2-ÿþ?>>>"}
TEXT = json.dumps(OBJECT).encode()
STANDARD = base64.b64encode(TEXT)
URL = base64.urlsafe_b64encode(TEXT).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "query",
    [
        b"header=" + STANDARD + b"&payload=e30=",
        b"payload=e30%3D&header=" + STANDARD.replace(b"=", b"%3D").replace(b"+", b"%2B").replace(b"/", b"%2F"),
        b"header=" + STANDARD.rstrip(b"="),
        b"header=" + base64.urlsafe_b64encode(TEXT),
    ],
)
def test_query(query: bytes) -> None:
    assert of_websocket([], query, ["graphql-ws"]) == OBJECT


@pytest.mark.parametrize("encoded", [URL, STANDARD.decode(), base64.urlsafe_b64encode(TEXT).decode()])
def test_subprotocol(encoded: str) -> None:
    assert of_websocket([(b"x-api-key", b"other")], b"", ["graphql-ws", "header-" + encoded]) == OBJECT


def test_headers() -> None:
    assert of_websocket([(b"x-api-key", b"k"), (b"Host", b"h")], b"", ["graphql-ws"]) == {"x-api-key": "k", "host": "h"}
    assert of_headers([(b"Authorization", b"token")]) == {"authorization": "token"}


def test_names_of_the_header_object_are_case_insensitive_and_values_are_text() -> None:
    encoded = base64.urlsafe_b64encode(b'{"Host":"h","X-API-Key":"k","n":1}').decode()
    assert of_websocket([], b"", [f"header-{encoded}"]) == {"host": "h", "x-api-key": "k"}


@pytest.mark.parametrize("encoded", ["?", "e30", "W10=", "bnVsbA==", "%%%", "AAAA", "ew=="])
def test_what_is_no_header_object(encoded: str) -> None:
    found = of_websocket([(b"x-api-key", b"k")], b"header=" + encoded.encode(), [])
    assert found == ({} if encoded == "e30" else None)


@given(st.binary(max_size=60), st.text(max_size=40))
def test_no_query_and_no_subprotocol_raises(query: bytes, subprotocol: str) -> None:
    of_websocket([], query, [subprotocol])
    of_websocket([], b"header=" + query, ["header-" + subprotocol])
