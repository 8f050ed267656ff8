"""Header blocks: the examples of RFC 7541, appendix C, and everything that is no block."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.gateway.http2 import huffman
from callpark.gateway.http2.hpack import Decoder, HpackError, TooLarge, encode

pytestmark = pytest.mark.unit

ROOM = 65_536
GET = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"www.example.com")]
GETS = [
    GET,
    [*GET, (b"cache-control", b"no-cache")],
    [
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":path", b"/index.html"),
        (b":authority", b"www.example.com"),
        (b"custom-key", b"custom-value"),
    ],
]


@pytest.mark.parametrize(
    "blocks",
    [
        (
            "828684410f7777772e6578616d706c652e636f6d",
            "828684be58086e6f2d6361636865",
            "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
        ),
        (
            "828684418cf1e3c2e5f23a6ba0ab90f4ff",
            "828684be5886a8eb10649cbf",
            "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
        ),
    ],
)
def test_requests_of_appendix_c(blocks: tuple[str, ...]) -> None:
    """C.3 without and C.4 with Huffman's code: each refers to what the ones before have left in the table."""
    decoder = Decoder(ROOM)
    assert [decoder.decode(bytes.fromhex(block)) for block in blocks] == GETS


@pytest.mark.parametrize(
    ("block", "header"),
    [
        ("400a637573746f6d2d6b65790d637573746f6d2d686561646572", (b"custom-key", b"custom-header")),
        ("040c2f73616d706c652f70617468", (b":path", b"/sample/path")),
        ("100870617373776f726406736563726574", (b"password", b"secret")),
        ("82", (b":method", b"GET")),
    ],
)
def test_single_headers_of_appendix_c(block: str, header: tuple[bytes, bytes]) -> None:
    assert Decoder(ROOM).decode(bytes.fromhex(block)) == [header]


def test_what_a_table_forgets() -> None:
    """It holds 4,096 bytes unless the client makes it smaller."""
    decoder = Decoder(ROOM)
    remembered = b"\x40\x01a\x01b"
    assert decoder.decode(remembered) == [(b"a", b"b")]
    assert decoder.decode(b"\xbe") == [(b"a", b"b")]
    assert decoder.decode(b"\x20\x3f\xe1\x1f\x82") == [(b":method", b"GET")]  # to nothing, and back to 4,096
    with pytest.raises(HpackError, match="index 62"):
        decoder.decode(b"\xbe")
    large = b"\x40\x7f\x80\x10" + b"n" * 2175 + b"\x7f\x80\x10" + b"v" * 2175
    assert len(decoder.decode(large)) == 1
    with pytest.raises(HpackError):
        decoder.decode(b"\xbe")


@pytest.mark.parametrize(
    ("block", "why"),
    [
        (b"\x80", "index 0"),
        (b"\xff\x80\x80\x80\x80\x01", "without an end"),
        (b"\xff", "within a number"),
        (b"\x40", "before a string"),
        (b"\x40\x05ab", "within a string"),
        (b"\x40\x82\xff\xff\x01b", "within a code"),
        (b"\x40\x84\xff\xff\xff\xff\x01b", "the end of a string within it"),
        (b"\x3f\xe2\x1f", "a table of 4097 bytes"),
        (b"\x82\x20", "within a list"),
    ],
)
def test_what_is_no_block(block: bytes, why: str) -> None:
    with pytest.raises(HpackError, match=why):
        Decoder(ROOM).decode(block)


def test_a_block_that_unfolds_into_too_much() -> None:
    decoder = Decoder(1_000)
    decoder.decode(b"\x40\x01n\x7f\x81\x02" + b"v" * 384)
    with pytest.raises(TooLarge, match="1000"):
        decoder.decode(b"\xbe" * 3)


HEADERS = st.lists(
    st.tuples(st.sampled_from([b":status", b"content-type", b"x-amzn-requestid", b"via"]), st.binary(max_size=200))
    | st.sampled_from([(b":status", b"200"), (b"accept-encoding", b"gzip, deflate")])
)


@given(HEADERS)
def test_what_is_written_can_be_read(headers: list[tuple[bytes, bytes]]) -> None:
    assert Decoder(10**6).decode(encode(headers)) == headers


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_bytes_are_read_or_refused(blocks: list[bytes]) -> None:
    decoder = Decoder(200)
    try:
        for block in blocks:
            decoder.decode(block)
    except HpackError:
        pass


def coded(text: bytes) -> bytes:
    """Huffman's code of a text, from the same lengths by another way."""
    by_symbol = {symbol: (length, code) for (length, code), symbol in huffman._codes().items()}
    bits = "".join(f"{code:0{length}b}" for length, code in (by_symbol[byte] for byte in text))
    bits += "1" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


@given(st.binary(max_size=40))
def test_every_byte_has_its_code(text: bytes) -> None:
    assert huffman.decode(coded(text)) == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"302", "6402"),
        (b"private", "aec3771a4b"),
        (b"Mon, 21 Oct 2013 20:13:21 GMT", "d07abe941054d444a8200595040b8166e082a62d1bff"),
        (b"https://www.example.com", "9d29ad171863c78f0b97c8e9ae82ae43d3"),
        (b"", ""),
    ],
)
def test_codes_of_appendix_c(text: bytes, code: str) -> None:
    assert huffman.decode(bytes.fromhex(code)) == text
