"""A batch while it is open. Kept by an Execution, filled and emptied by `resolvers/batching.py`."""

import asyncio
from dataclasses import dataclass, field

from callpark.graphql.datasources.port import Outcome


@dataclass(slots=True)
class Batch:
    """Payloads so far; the leader's is the first. `followers` are the others, who wait for their outcome."""

    closed: "asyncio.Future[None]"
    payloads: list[object]
    followers: "list[asyncio.Future[Outcome]]" = field(default_factory=list)
