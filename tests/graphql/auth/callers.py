"""APIs, issuers, authorizers and callers of the tests of each way in."""

from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from callpark.graphql.auth.approach import Approach
from callpark.graphql.auth.local_pool import LocalPool, Subject
from callpark.graphql.auth.verdict import Authorized
from callpark.graphql.datasources.lambda_ import FunctionReply
from callpark.graphql.model import AuthenticationProvider, LambdaAuthorizerConfig, OpenIdConnectConfig, UserPoolConfig
from callpark.kernel.clock import VirtualClock

POOL = UserPoolConfig("us-east-1_pool", "us-east-1")
POOL_ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
ISSUER = "https://issuer.example"
AUTHORIZER = "arn:aws:lambda:us-east-1:123456789012:function:guard"
IN = Authorized("API_KEY", None)

KEYED = AuthenticationProvider("API_KEY")
IAM = AuthenticationProvider("AWS_IAM")
COGNITO = AuthenticationProvider("AMAZON_COGNITO_USER_POOLS", POOL)
OPEN_ID = AuthenticationProvider("OPENID_CONNECT", OpenIdConnectConfig(ISSUER))
LAMBDA = AuthenticationProvider("AWS_LAMBDA", LambdaAuthorizerConfig(AUTHORIZER))

PRIVATE = rsa.generate_private_key(65_537, 2048)
FOREIGN = rsa.generate_private_key(65_537, 2048)


def jwks(key: rsa.RSAPrivateKey = PRIVATE, kid: str = "one") -> bytes:
    return orjson.dumps({"keys": [{**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}]})


def open_id_token(
    clock: VirtualClock, key: Any = PRIVATE, kid: str = "one", algorithm: str = "RS256", **claims: Any
) -> str:
    now = int(clock.now())
    given = {"iss": ISSUER, "sub": "u1", "aud": "app", "iat": now, "exp": now + 60, **claims}
    return jwt.encode(given, key, algorithm=algorithm, headers={"kid": kid})


class Issuer:
    """Serves the discovery document and a key set that tests may exchange or break."""

    def __init__(self, keys: bytes | None = None) -> None:
        self.keys: bytes | None = keys or jwks()
        self.asked: list[str] = []

    async def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if self.keys is None:
            raise OSError("connection refused")
        if url.endswith("openid-configuration"):
            return orjson.dumps({"jwks_uri": f"{ISSUER}/keys"})
        return self.keys


class Guard:
    """A Lambda authorizer."""

    def __init__(self, answer: object, failed: bool = False) -> None:
        self.answer = answer
        self.failed = failed
        self.events: list[Any] = []

    async def invoke(self, function_arn: str, payload: bytes) -> FunctionReply:
        assert function_arn == AUTHORIZER
        self.events.append(orjson.loads(payload))
        if isinstance(self.answer, Exception):
            raise self.answer
        return FunctionReply(self.answer if isinstance(self.answer, bytes) else orjson.dumps(self.answer), self.failed)

    async def enqueue(self, function_arn: str, payload: bytes) -> None:
        raise AssertionError


def shown(**headers: str) -> Approach:
    return Approach({name.replace("_", "-"): value for name, value in headers.items()}, "r1", ("10.0.0.1",))


def local_token(
    pool: LocalPool, clock: VirtualClock, subject: Subject | None = None, where: str = "us-east-1_pool"
) -> str:
    return pool.mint("us-east-1", where, subject or Subject("ada", ("writers",)), clock.now(), 60, "j").id_token
