"""Channel paths: `/namespace/segment/…`, and `/*` at the end of what is subscribed to. Pure.

Used by `frames.py` and the HTTP endpoint; the hub finds subscribers by segments.
https://docs.aws.amazon.com/appsync/latest/eventapi/channel-namespaces.html
"""

import re
from dataclasses import dataclass
from typing import TypeGuard

from callpark.kernel.limits import AppSyncLimits

WILDCARD = "*"

_SEGMENT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Channel:
    """`segments` begin with the namespace; with `wildcard`, all channels below them are meant."""

    segments: tuple[str, ...]
    wildcard: bool = False

    @property
    def namespace(self) -> str:
        return self.segments[0]

    @property
    def path(self) -> str:
        """`/namespace/a/*`"""
        return "/" + "/".join(self.all_segments)

    @property
    def all_segments(self) -> tuple[str, ...]:
        """As handlers see them."""
        return (*self.segments, WILDCARD) if self.wildcard else self.segments


def is_segment(text: str, limits: AppSyncLimits) -> bool:
    """Whether it may stand between slashes, as namespaces' names do."""
    return len(text) <= limits.channel_segment_characters and _SEGMENT.fullmatch(text) is not None


def published(text: object, limits: AppSyncLimits) -> Channel | None:
    """The channel of a publication; None for what is none."""
    return _channel(text.strip("/").split("/"), limits, wildcard=False) if _readable(text, limits) else None


def subscribed(text: object, limits: AppSyncLimits) -> Channel | None:
    """The channel of a subscription, which may end in `/*`; None for what is none."""
    if not _readable(text, limits):
        return None
    *segments, last = text.strip("/").split("/")
    if last == WILDCARD:
        return _channel(segments, limits, wildcard=True)
    return _channel([*segments, last], limits, wildcard=False)


def _readable(text: object, limits: AppSyncLimits) -> TypeGuard[str]:
    longest = (limits.channel_segment_characters + 1) * limits.channel_segments + 1
    return isinstance(text, str) and len(text) <= longest and not text.startswith("//") and not text.endswith("//")


def _channel(segments: list[str], limits: AppSyncLimits, *, wildcard: bool) -> Channel | None:
    if not 1 <= len(segments) + wildcard <= limits.channel_segments or not segments:
        return None
    if not all(is_segment(each, limits) for each in segments):
        return None
    return Channel(tuple(segments), wildcard)
