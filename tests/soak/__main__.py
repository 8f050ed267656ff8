"""`make soak`: 20,000 events, 200 kills, and what became of them; `make soak-cluster`: the same of a cluster, with
queue messages and 50 faults. Ends with 1 when a promise was broken."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from tests.soak import cluster
from tests.soak.driver import Soak, soak
from tests.soak.faults import KINDS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("server", "cluster"), default="server")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=None, help="200 of a server, 50 of a cluster")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fault", action="append", default=[], choices=KINDS, help="of a cluster: only this kind")
    chosen = parser.parse_args()
    if chosen.what == "cluster":
        sys.exit(_cluster(chosen.seed, chosen.events, 50 if chosen.kills is None else chosen.kills, chosen.fault))
    chosen.kills = 200 if chosen.kills is None else chosen.kills
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callpark-soak-") as text:
        asked = Soak(chosen.seed, chosen.events, chosen.kills, Path(text))
        verdict = asyncio.run(soak(asked, lambda line: print(line, flush=True)))
    print(f"\nseed {chosen.seed}, {chosen.kills} kills, {time.monotonic() - started:.0f} s")
    for name, count in verdict.counts.items():
        print(f"{count:10,}  {name}")
    for problem in verdict.problems[:50]:
        print(problem)
    print(f"{len(verdict.problems):10,}  promises broken")
    sys.exit(1 if verdict.problems else 0)


def _cluster(seed: int, count: int, faults: int, kinds: list[str]) -> int:
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="callpark-soak-") as text:
        asked = cluster.Asked(seed, count, count, faults, Path(text), kinds)
        found = uvloop.run(cluster.soak(asked, lambda line: print(line, flush=True)))
    problems = found.problems()
    print(f"\nseed {seed}, {faults} faults, {time.monotonic() - started:.0f} s\n{found.summary()}")
    for problem in problems[:50]:
        print(problem)
    print(f"{len(problems):10,}  promises broken")
    return 1 if problems else 0


if __name__ == "__main__":
    main()
