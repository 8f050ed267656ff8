"""Authorization modes that callpark knows by name only: refused, and named to the client and at load.

When a mode is built it gets a file of its own beside `api_key.py` and leaves this one.
"""

from collections.abc import Callable

from callpark.graphql.auth.credentials import Credentials
from callpark.graphql.auth.verdict import Authorized, Refusal
from callpark.graphql.model import ApiDefinition

_SIGNATURE = "AWS4-HMAC-SHA256"


def _signed(credentials: Credentials) -> bool:
    return credentials.get("authorization", "").startswith(_SIGNATURE)


def _token(credentials: Credentials) -> bool:
    return "authorization" in credentials and not _signed(credentials)


#: Mode → whether the caller shows what this mode asks for.
SHOWN: dict[str, Callable[[Credentials], bool]] = {
    "AWS_IAM": _signed,
    "AMAZON_COGNITO_USER_POOLS": _token,
    "OPENID_CONNECT": _token,
    "AWS_LAMBDA": _token,
}


def authenticate(mode: str, api: ApiDefinition, credentials: Credentials) -> Authorized | Refusal | None:
    """None when the caller shows nothing of this mode."""
    if not SHOWN[mode](credentials):
        return None
    return Refusal(f"callpark does not support the authorization mode {mode} of API {api.name} yet; use API_KEY.")


def warning(mode: str, api: ApiDefinition) -> str:
    if mode in SHOWN:
        return f"API {api.name}: authorization mode {mode} is not supported yet; requests that use it are refused"
    return f"API {api.name}: there is no authorization mode {mode}; nobody is let in by it"
