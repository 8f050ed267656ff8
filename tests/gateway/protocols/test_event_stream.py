"""Event-stream frames: botocore reads ours, and what is no frame is refused."""

import uuid
from collections.abc import AsyncIterator, Mapping

import botocore.eventstream
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.gateway.codecs import operation_codec
from callpark.gateway.protocols.event_stream import Decoder, FrameError, HeaderValue, encode
from callpark.kernel.errors import CallerError, RuntimeBug
from callpark.kernel.operations import Answer

pytestmark = pytest.mark.unit

HEADERS = st.dictionaries(
    st.text(min_size=1, max_size=20),
    st.one_of(
        st.text(max_size=20), st.binary(max_size=20), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.uuids()
    ),
    max_size=4,
)


@given(HEADERS, st.binary(max_size=200), st.integers(1, 64))
def test_frames_survive_any_cut(headers: Mapping[str, HeaderValue], payload: bytes, size: int) -> None:
    wire = encode(headers, payload) * 2
    decoder = Decoder()
    frames = [frame for at in range(0, len(wire), size) for frame in decoder.feed(wire[at : at + size])]
    assert [(dict(frame.headers), frame.payload) for frame in frames] == [(dict(headers), payload)] * 2


@given(HEADERS, st.binary(max_size=200))
def test_botocore_reads_our_frames(headers: Mapping[str, HeaderValue], payload: bytes) -> None:
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(encode(headers, payload))
    message = next(iter(buffer))
    wanted = {name: value.bytes if isinstance(value, uuid.UUID) else value for name, value in headers.items()}
    assert (message.headers, message.payload) == (wanted, payload)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_one_changed_byte_is_noticed(at: int, change: int) -> None:
    wire = bytearray(encode({":event-type": "PayloadChunk", "n": 7}, b"some payload"))
    wire[at % len(wire)] ^= change
    with pytest.raises(FrameError):
        Decoder().feed(bytes(wire))


def test_an_empty_frame_is_the_known_bytes() -> None:
    assert encode({}) == bytes.fromhex("00000010 00000000 05c248eb 7d98c8ff".replace(" ", ""))


async def events(
    *items: tuple[str, Mapping[str, object]], error: Exception | None = None
) -> AsyncIterator[tuple[str, Mapping[str, object]]]:
    for item in items:
        yield item
    if error is not None:
        raise error


async def frames(answer: Answer) -> list[tuple[Mapping[str, HeaderValue], bytes]]:
    response = operation_codec("lambda", "InvokeWithResponseStream", "rest-json").serialise(answer, "r")
    assert response.stream is not None
    assert (b"content-type", b"application/vnd.amazon.eventstream") in response.headers
    return [(frame.headers, frame.payload) async for piece in response.stream for frame in Decoder().feed(piece)]


async def test_a_response_stream_is_chunks_and_an_end() -> None:
    made = await frames(
        Answer(stream=events(("PayloadChunk", {"Payload": b"tok"}), ("InvokeComplete", {"LogResult": "bG9n"})))
    )
    assert made == [
        (
            {":event-type": "PayloadChunk", ":content-type": "application/octet-stream", ":message-type": "event"},
            b"tok",
        ),
        (
            {":event-type": "InvokeComplete", ":content-type": "application/json", ":message-type": "event"},
            b'{"LogResult":"bG9n"}',
        ),
    ]


async def test_a_refusal_in_the_middle_is_an_error_frame() -> None:
    made = await frames(Answer(stream=events(("PayloadChunk", {"Payload": b"x"}), error=CallerError("Boom", 400, "m"))))
    assert made[1] == ({":message-type": "error", ":error-code": "Boom", ":error-message": "m"}, b"")


async def test_a_modelled_exception_is_named_by_its_member() -> None:
    codec = operation_codec("bedrock-runtime", "InvokeModelWithResponseStream", "rest-json")
    error = CallerError("ThrottlingException", 429, "slow down")
    stream = codec.serialise(Answer(stream=events(error=error)), "r").stream
    assert stream is not None
    [frame] = [frame async for piece in stream for frame in Decoder().feed(piece)]
    assert frame.headers[":exception-type"] == "throttlingException"
    assert frame.headers[":message-type"] == "exception"
    assert orjson.loads(frame.payload) == {"message": "slow down"}


async def test_a_bug_in_the_middle_is_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    made = await frames(Answer(stream=events(error=ValueError("secret"))))
    assert made[0][0][":error-code"] == "InternalFailure"
    assert "secret" not in str(made)
    assert "request r failed in its event stream" in caplog.text
    caplog.clear()


def test_a_stream_where_the_model_has_none_is_a_bug() -> None:
    with pytest.raises(RuntimeBug):
        operation_codec("lambda", "GetFunction", "rest-json").serialise(Answer(stream=events()), "r")
