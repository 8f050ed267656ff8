"""Pages of a list by name: a marker is the last name shown, readable and stable while functions come and go. Pure."""

import base64
import binascii
from collections.abc import Sequence

from callpark.functions import refusals


def page(names: Sequence[str], marker: object, limit: object, most: int) -> tuple[frozenset[str], str | None]:
    """The names on the page after `marker`, at most `limit` and `most` of them, and the next marker. `names` are
    sorted. Raises CallerError for a marker we did not make."""
    after = _read(marker) if isinstance(marker, str) and marker else ""
    count = min(limit, most) if isinstance(limit, int) else most
    following = [name for name in names if name > after]
    shown = following[:count]
    return frozenset(shown), _write(shown[-1]) if len(following) > count else None


def _write(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _read(marker: str) -> str:
    try:
        return base64.b64decode(marker, altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise refusals.invalid_parameter("Invalid Marker") from None
