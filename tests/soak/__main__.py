"""`make soak`: 20,000 events, 200 kills, and what became of them. Ends with 1 when a promise was broken."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.soak.driver import Soak, soak


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
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


if __name__ == "__main__":
    main()
