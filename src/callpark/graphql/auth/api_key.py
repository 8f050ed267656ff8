"""Authorization mode API_KEY: a key the API knows and that has not expired. Pure.

https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

import hmac

from callpark.graphql.auth.credentials import Credentials
from callpark.graphql.auth.guarded import Guarded
from callpark.graphql.auth.verdict import NOT_AUTHORIZED, Authorized, Refusal

HEADER = "x-api-key"


def shows(credentials: Credentials) -> bool:
    return HEADER in credentials


def authenticate(api: Guarded, credentials: Credentials, now: float) -> Authorized | Refusal:
    """Resolvers see no identity in this mode."""
    shown = credentials.get(HEADER, "").encode("utf-8", "replace")
    known = any(hmac.compare_digest(key.key.encode(), shown) and now < key.expires for key in api.api_keys)
    return Authorized("API_KEY", None) if known else NOT_AUTHORIZED


def owns(api: Guarded, credentials: Credentials) -> bool:
    """Whether the key shown is one of the API's, expired or not."""
    return any(key.key == credentials.get(HEADER) for key in api.api_keys)
