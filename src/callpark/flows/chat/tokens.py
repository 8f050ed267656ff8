"""Tokens of the participant service: who may speak, for which contact, until when. Pure.

A token carries its claims under an HMAC of a secret that the data folder keeps, so it needs no row of its own, survives
a restart, cannot be guessed and cannot be used for another contact or purpose. Clients see an opaque text (rule O17).
"""

import base64
import hashlib
import hmac
from typing import Literal, TypeAlias

import msgspec

Purpose: TypeAlias = Literal["participant", "connection", "socket", "upload", "download"]

_DIGEST = 32


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """What a token says. `expires` in epoch seconds, 0 for as long as the contact is open. `file_id`: the attachment
    that a token opens for one upload or download."""

    purpose: Purpose
    contact_id: str
    participant_id: str
    expires: float = 0.0
    file_id: str = ""


_encode = msgspec.msgpack.Encoder().encode
_decode: msgspec.msgpack.Decoder[Claim] = msgspec.msgpack.Decoder(Claim)


def contact_named(token: str) -> str | None:
    """The contact that a token says it is for, unverified: to find the node that can tell. None for no token."""
    try:
        raw = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        return _decode.decode(raw[_DIGEST:]).contact_id
    except (ValueError, msgspec.MsgspecError):
        return None


class Tokens:
    """Made with the secret of the data folder."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def mint(self, claim: Claim) -> str:
        data = _encode(claim)
        return base64.urlsafe_b64encode(self._digest(data) + data).rstrip(b"=").decode()

    def read(self, token: str, purpose: Purpose, now: float) -> Claim | None:
        """None for what is no token of ours, for another purpose, or too old."""
        try:
            raw = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        digest, data = raw[:_DIGEST], raw[_DIGEST:]
        if not hmac.compare_digest(digest, self._digest(data)):
            return None
        claim = _decode.decode(data)
        if claim.purpose != purpose or (claim.expires and now >= claim.expires):
            return None
        return claim

    def _digest(self, data: bytes) -> bytes:
        return hmac.digest(self._secret, data, hashlib.sha256)
