"""What a web socket of AppSync may leave unread and may send. Asked by `websocket.py`, here and in `channels/api`."""

from callpark.kernel.limits import AppSyncLimits
from callpark.kernel.served_websocket import Bounds


def bounds(limits: AppSyncLimits) -> Bounds:
    return Bounds(limits.unsent_messages, limits.unsent_bytes, limits.request_bytes, limits.close_seconds)
