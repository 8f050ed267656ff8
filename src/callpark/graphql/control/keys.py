"""When an API key ends. Pure.

https://docs.aws.amazon.com/appsync/latest/APIReference/API_ApiKey.html
"""

from collections.abc import Mapping

from callpark.graphql.model import ApiKey
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import AppSyncLimits

_HOUR = 3_600
_DAY = 86_400


def expiry(asked: object, now: float, limits: AppSyncLimits) -> float:
    """Epoch seconds, down to the hour; without a wish, the default from now. Raises CallerError outside the bounds."""
    start = _hour(now)
    if not isinstance(asked, int):
        return start + limits.api_key_default_days * _DAY
    end = _hour(asked)
    least, most = limits.api_key_least_days, limits.api_key_most_days
    if end < start + least * _DAY:
        raise _out_of_bounds(f"API key must be valid for a minimum of {least} days.")
    if end > start + most * _DAY:
        raise _out_of_bounds(f"API key must be valid for a maximum of {most} days.")
    return end


def key_members(key: ApiKey, limits: AppSyncLimits) -> Mapping[str, object]:
    members: dict[str, object] = {
        "id": key.key,
        "expires": int(key.expires),
        "deletes": int(key.expires) + limits.api_key_kept_days * _DAY,
    }
    return members | ({"description": key.description} if key.description else {})


def _hour(instant: float) -> float:
    return instant // _HOUR * _HOUR


def _out_of_bounds(message: str) -> CallerError:
    return CallerError("ApiKeyValidityOutOfBoundsException", 400, message)
