"""Pages of a list by key: a token is the last key shown, stable while things come and go. Pure."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from callpark.graphql.control.refusals import bad_request

_MOST = 25
"""https://docs.aws.amazon.com/appsync/latest/APIReference/API_ListGraphqlApis.html: maxResults"""

_Item = TypeVar("_Item")


def page(
    member: str,
    items: Sequence[_Item],
    key: Callable[[_Item], str],
    shown: Callable[[_Item], Mapping[str, object]],
    parameters: Mapping[str, object],
) -> Mapping[str, object]:
    """The answer of a list operation, sorted by key. Raises CallerError for a token that we did not make."""
    token, limit = parameters.get("nextToken"), parameters.get("maxResults")
    after = _read(token) if isinstance(token, str) else ""
    count = limit if isinstance(limit, int) and limit > 0 else _MOST
    following = sorted((item for item in items if key(item) > after), key=key)
    found = following[:count]
    answer: dict[str, object] = {member: [shown(item) for item in found]}
    if len(following) > count:
        answer["nextToken"] = base64.urlsafe_b64encode(key(found[-1]).encode()).decode()
    return answer


def _read(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise bad_request("Invalid nextToken.") from None
