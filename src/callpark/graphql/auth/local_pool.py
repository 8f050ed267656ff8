"""The local user pool: one RSA key that signs the tokens of every user pool that lives here.

`callpark auth token` mints with it, `keyring.py` verifies with it, `api/well_known.py` shows its public half. The key
is made at first need and lies in the data folder, readable by its owner only.
https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-with-identity-providers.html
"""

import contextlib
import hashlib
import json
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from callpark.graphql.auth.user_pool import issuer
from callpark.kernel.errors import ProjectError

if TYPE_CHECKING:  # what makes and reads keys is not loaded at start-up
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

FILE = "user-pool.pem"
_ALGORITHM = "RS256"
_BITS = 2048


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a token is for. `claims` go into the id token."""

    user: str
    groups: Sequence[str] = ()
    client_id: str = "callpark"
    claims: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tokens:
    """`expires` in epoch seconds."""

    id_token: str
    access_token: str
    issuer: str
    expires: float


class LocalPool:
    """`directory` is the data folder."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._key: RSAPrivateKey | None = None

    def document(self) -> Mapping[str, object]:
        """The JWKS document."""
        from jwt.algorithms import RSAAlgorithm

        public = RSAAlgorithm.to_jwk(self._private().public_key(), as_dict=True)
        members = {name: value for name, value in public.items() if name in ("kty", "n", "e")}
        return {"keys": [{**members, "alg": _ALGORITHM, "use": "sig", "kid": self._key_id(members)}]}

    def mint(self, region: str, user_pool_id: str, subject: Subject, now: float, seconds: float, jti: str) -> Tokens:
        """An id and an access token as Cognito makes them, good for `seconds` from `now`."""
        came_from = issuer(region, user_pool_id)
        shared: dict[str, object] = {
            "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{came_from}/{subject.user}")),
            **({"cognito:groups": list(subject.groups)} if subject.groups else {}),
            "iss": came_from,
            "origin_jti": jti,
            "auth_time": int(now),
            "iat": int(now),
            "exp": int(now + seconds),
            "jti": jti,
        }
        id_claims = {
            **shared,
            "cognito:username": subject.user,
            "aud": subject.client_id,
            "token_use": "id",
            **subject.claims,
        }
        access_claims = {
            **shared,
            "username": subject.user,
            "client_id": subject.client_id,
            "token_use": "access",
            "scope": "aws.cognito.signin.user.admin",
            "version": 2,
        }
        return Tokens(self._signed(id_claims), self._signed(access_claims), came_from, now + seconds)

    def _signed(self, claims: Mapping[str, object]) -> str:
        import jwt

        members = self.document()["keys"]
        assert isinstance(members, list)
        return jwt.encode(dict(claims), self._private(), algorithm=_ALGORITHM, headers={"kid": members[0]["kid"]})

    def _key_id(self, members: Mapping[str, object]) -> str:
        text = json.dumps(members, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _private(self) -> "RSAPrivateKey":
        if self._key is None:
            self._key = self._read() or self._make()
        return self._key

    def _read(self) -> "RSAPrivateKey | None":
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

        try:
            key = serialization.load_pem_private_key(self._path.read_bytes(), None)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise ProjectError(f"{self._path} cannot be used: {error}", "delete it; a new key is made") from error
        if not isinstance(key, RSAPrivateKey):
            raise ProjectError(f"{self._path} holds no RSA key", "delete it; a new key is made")
        return key

    def _make(self) -> "RSAPrivateKey":
        """Written whole or not at all; whoever makes it first, made it."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

        key = generate_private_key(65_537, _BITS)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        try:
            with contextlib.suppress(FileExistsError):
                os.link(draft, self._path)
        finally:
            draft.unlink()
        return self._read() or key
