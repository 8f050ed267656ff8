"""Text frames, at every form of their length."""

import pytest

from callpark.kernel.websocket import text_frame

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (2, b"\x81\x02"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f" + (65_536).to_bytes(8, "big")),
    ],
)
def test_the_frame_of_a_text(size: int, head: bytes) -> None:
    assert text_frame(b"x" * size) == head + b"x" * size
