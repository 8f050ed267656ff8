"""The AWS services that this slice does not serve itself, as it asks for them: topics, event buses, buckets.

`app.py` hands over the upstreams; `events/deliveries.py` sends what functions' events leave behind, `code/` fetches
packages.
"""

from collections.abc import Mapping
from typing import Protocol

from callpark.kernel.errors import CallerError


class Upstreams(Protocol):
    """Names of services and operations are botocore's, parameters and members as its clients have them."""

    def remedy(self, service: str) -> str | None:
        """What the user can do so that somebody serves it; None when somebody does."""
        ...

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        """Raises CallerError with the service's own error, and with status 5xx when it cannot be reached."""
        ...


class NoUpstreams:
    """Nobody serves anything else."""

    def remedy(self, service: str) -> str | None:
        return "no upstreams are connected"

    async def call(self, service: str, operation: str, parameters: Mapping[str, object]) -> Mapping[str, object]:
        raise CallerError("ServiceUnavailable", 503, f"nobody serves {service} here")
