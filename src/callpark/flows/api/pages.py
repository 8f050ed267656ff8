"""Pages of a list: a token is the key of the last item shown, so it stays good while items come and go. Pure."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from callpark.flows.control.refusals import invalid_parameter
from callpark.kernel.operations import Call

Item = TypeVar("Item")
_PAGE = 100


def page(
    call: Call, found: Sequence[Item], key: Callable[[Item], str], most: int = _PAGE
) -> tuple[list[Item], dict[str, object]]:
    """The items after NextToken, MaxResults or `most` of them, in the order of their keys, and the answer's NextToken
    (no member on the last page). Keys are unique. Raises CallerError for a token that is not ours."""
    token, asked = call.parameters.get("NextToken"), call.parameters.get("MaxResults")
    limit = asked if isinstance(asked, int) else most
    following = sorted(found, key=key)
    if isinstance(token, str) and token:
        after = _read(token)
        following = [item for item in following if key(item) > after]
    shown = following[:limit]
    return shown, {"NextToken": _write(key(shown[-1]))} if shown and len(following) > limit else {}


def _write(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _read(token: str) -> str:
    try:
        return base64.b64decode(token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_parameter("The NextToken is invalid.") from None
