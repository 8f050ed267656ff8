"""JSON Web Tokens: read, and verified against a key set. Pure.

Used by `user_pool.py` and `open_id.py`. The algorithm a token names must be one of its key's kind, so a public RSA key
never serves as an HMAC secret, and `none` is nobody's algorithm.
https://www.rfc-editor.org/rfc/rfc7519, https://www.rfc-editor.org/rfc/rfc8725
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jwt import PyJWK

Claims = Mapping[str, object]

_ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "oct": ("HS256", "HS384", "HS512"),
}
_UNCHECKED = {"verify_signature": False}
_SIGNATURE_ONLY = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it reads, verified or not."""

    text: str
    key_id: str | None
    claims: Claims

    def text_claim(self, name: str) -> str | None:
        value = self.claims.get(name)
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Key:
    id: str | None
    key: "PyJWK"
    algorithms: tuple[str, ...]


KeySet = Sequence[Key]


def read(authorization: str) -> Token | None:
    """The token of an Authorization header, with `Bearer` before it or without; None when it is no token."""
    import jwt  # not at start-up: most servers never see a token

    text = authorization.strip()
    if text[:7].lower() == "bearer ":
        text = text[7:].strip()
    try:
        header = jwt.get_unverified_header(text)
        claims = jwt.decode(text, options=_UNCHECKED)  # type: ignore[arg-type]
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    key_id = header.get("kid")
    return Token(text, key_id if isinstance(key_id, str) else None, claims)


def key_set(document: object) -> KeySet:
    """The keys of a JWKS document that can verify. Raises ValueError when there is none."""
    import jwt

    if not isinstance(document, dict):
        raise ValueError("not a JSON object with keys")
    try:
        keys = jwt.PyJWKSet.from_dict(document).keys
    except (jwt.PyJWTError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error
    found = []
    for key in keys:
        given = document_of(key)
        kinds = _ALGORITHMS.get(str(given.get("kty")), ())
        named = given.get("alg")
        algorithms = tuple(name for name in kinds if named is None or name == named)
        if algorithms and given.get("use", "sig") == "sig":
            found.append(Key(key.key_id, key, algorithms))
    if not found:
        raise ValueError("no key that verifies signatures")
    return found


def document_of(key: "PyJWK") -> Mapping[str, object]:
    """The members of the JWK."""
    members: Mapping[str, object] = key._jwk_data
    return members


def knows(token: Token, keys: KeySet) -> bool:
    """Whether the key that the token names is among these."""
    return any(_fits(token, key) for key in keys)


def verified(token: Token, keys: KeySet) -> bool:
    """Whether one of the keys signed the token. What it says, and until when, is not looked at."""
    import jwt

    for key in keys:
        if _fits(token, key):
            try:
                jwt.decode(token.text, key.key.key, algorithms=list(key.algorithms), options=_SIGNATURE_ONLY)  # type: ignore[arg-type]
            except (jwt.PyJWTError, ValueError):
                continue
            return True
    return False


def expired(token: Token, now: float) -> bool:
    """Past `exp`, or without one."""
    expires = number(token, "exp")
    return expires is None or now >= expires


def premature(token: Token, now: float, leeway_seconds: float) -> bool:
    begins = number(token, "nbf")
    return begins is not None and now + leeway_seconds < begins


def number(token: Token, name: str) -> float | None:
    value = token.claims.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _fits(token: Token, key: Key) -> bool:
    return token.key_id is None or key.id is None or token.key_id == key.id
