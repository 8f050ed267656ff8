"""Tokens: only what was minted, for its purpose, until it expires."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.flows.chat.tokens import Claim, Tokens

pytestmark = pytest.mark.unit

TOKENS = Tokens(b"s" * 32)
CLAIM = Claim("connection", "0a2b9c52-4f5e-4a47-9b35-6a9d2f7d1f00", "7e33a3c9-5c2b-4a39-8f6e-0c1c3f0f7f11", 100.0)


def test_what_was_minted_is_read() -> None:
    token = TOKENS.mint(CLAIM)
    assert TOKENS.read(token, "connection", 99.0) == CLAIM
    assert len(token) <= 1_000


@pytest.mark.parametrize(
    ("tokens", "purpose", "now"),
    [(TOKENS, "participant", 0.0), (TOKENS, "connection", 100.0), (Tokens(b"t"), "connection", 0.0)],
)
def test_another_purpose_a_later_time_another_secret(tokens: Tokens, purpose: str, now: float) -> None:
    assert tokens.read(TOKENS.mint(CLAIM), purpose, now) is None  # type: ignore[arg-type]


def test_a_participant_token_lasts() -> None:
    claim = Claim("participant", "c", "p")
    assert TOKENS.read(TOKENS.mint(claim), "participant", 1e12) == claim


@given(st.integers(min_value=0), st.integers(0, 255))
def test_no_byte_can_be_changed(position: int, value: int) -> None:
    token = TOKENS.mint(CLAIM)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    position %= len(raw)
    if raw[position] == value:
        return
    raw[position] = value
    assert TOKENS.read(base64.urlsafe_b64encode(raw).decode(), "connection", 0.0) is None


@given(st.text())
def test_nothing_else_is_a_token(text: str) -> None:
    assert TOKENS.read(text, "connection", 0.0) is None
