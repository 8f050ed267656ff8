"""Who may come in: the modes of an API, in order, asked about a caller's credentials. Pure.

Called by `api/http.py` for each request and by `api/websocket.py` for each connection and each `start`.
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

from callpark.graphql.auth import api_key, unsupported
from callpark.graphql.auth.credentials import Credentials, is_present
from callpark.graphql.auth.verdict import MISSING, NOT_AUTHORIZED, Authorized, Refusal
from callpark.graphql.model import ApiDefinition


def modes(api: ApiDefinition) -> tuple[str, ...]:
    """The API's modes, the default one first."""
    return (api.authentication_type, *api.additional_authentication_types)


def authenticate(api: ApiDefinition, credentials: Credentials, now: float) -> Authorized | Refusal:
    """The verdict of the first mode whose kind of credentials is shown."""
    for mode in modes(api):
        if (verdict := _ask(mode, api, credentials, now)) is not None:
            return verdict
    return NOT_AUTHORIZED if is_present(credentials) else MISSING


def load_warnings(api: ApiDefinition) -> list[str]:
    """Modes the API declares and callpark does not act on, one warning each."""
    return [unsupported.warning(mode, api) for mode in modes(api) if mode != "API_KEY"]


def _ask(mode: str, api: ApiDefinition, credentials: Credentials, now: float) -> Authorized | Refusal | None:
    if mode == "API_KEY":
        return api_key.authenticate(api, credentials, now)
    return unsupported.authenticate(mode, api, credentials) if mode in unsupported.SHOWN else None
