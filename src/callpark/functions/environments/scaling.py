"""When waiting events deserve another environment. Pure; `fleet.py` asks a few times a second while events wait.

Starting a process costs time, and more processes help only while handlers wait for something else than the processor:
fifty sleeping handlers want fifty environments, a flood of no-op events wants as many as there are cores.
"""

from math import ceil

import msgspec

#: What an invocation waits for our own server at least, in seconds; not a reason to start another process.
ROUND_TRIP_SECONDS = 0.000_5
#: From this share on the server is what limits the speed.
FULL_SERVER = 0.8
#: Where runs are shorter than this, most of one may be waiting for the server, which looks as if the handler slept. A
#: few for each processor are worth it in any case: what they answer at once the server takes in one turn of its loop,
#: which costs it a tenth less. More of them want a server that is idle for half of its time.
SHORT_RUN_SECONDS = 0.03
FEW_PER_CORE = 3
BUSY_SERVER = 0.5


class Demand(msgspec.Struct, frozen=True):
    """What one function's events need and what they have. `run_seconds` is how long one run takes at present, or for
    how long the current ones have been running; `compute_share` is the part of it on (or queueing for) a processor.
    `server_late_seconds` is how late the server's loop comes to what is due: an answer waits as long to be read."""

    waiting: int
    busy: int
    starting: int
    run_seconds: float
    compute_share: float
    start_seconds: float
    cores: int
    server_share: float = 0.0
    server_late_seconds: float = 0.0


def useful_environments(demand: Demand) -> int:
    """How many environments can work at once before they only take the processor from each other."""
    computing = demand.run_seconds * demand.compute_share
    in_server = max(ROUND_TRIP_SECONDS, 2.0 * demand.server_late_seconds)
    elsewhere = max(0.0, demand.run_seconds - computing - in_server)
    if computing <= 0.0:
        return demand.cores if elsewhere <= 0.0 else demand.busy + demand.starting + demand.waiting
    return ceil(demand.cores * min(1.0 + elsewhere / computing, 1e6))


def _worthwhile_environments(demand: Demand) -> int:
    """How many to have at most, as long as there is work for them."""
    present, useful = demand.busy + demand.starting, useful_environments(demand)
    if demand.run_seconds >= SHORT_RUN_SECONDS:
        return present if demand.server_share >= FULL_SERVER else useful
    few = FEW_PER_CORE * demand.cores
    return few if demand.server_share >= BUSY_SERVER else max(few, useful)


def environments_to_start(demand: Demand) -> int:
    """How many environments to start now. At least one when there is none; otherwise only where what waits would take
    the present ones longer than a start does."""
    if demand.waiting == 0:
        return 0
    present = demand.busy + demand.starting
    if present == 0:
        return 1
    work_seconds = demand.waiting * demand.run_seconds
    if work_seconds / present <= demand.start_seconds:
        return 0
    worth = ceil(work_seconds / demand.start_seconds)
    wanted = min(worth, _worthwhile_environments(demand), present + demand.waiting - demand.starting)
    startable_at_once = 4 * demand.cores - demand.starting
    return max(0, min(wanted - present, startable_at_once))
