"""`make bench`: every figure in one run. `python -m bench events` runs one of them."""

import sys
from collections.abc import Awaitable, Callable

from bench import chats, cluster, contacts, events, fan_out, gateway, graphql, models, queues, stores, stories, vtl
from bench.figures import Figure, show
from callpark.cli.loop import run

BENCHMARKS: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
    "gateway": gateway.figures,
    "events": events.figures,
    "queues": queues.figures,
    "graphql": graphql.figures,
    "fan_out": fan_out.figures,
    "vtl": vtl.figures,
    "contacts": contacts.figures,
    "chats": chats.figures,
    "models": models.figures,
    "stories": stories.figures,
    "stores": stores.figures,
    "cluster": cluster.figures,
}


async def _all(names: list[str]) -> list[Figure]:
    found: list[Figure] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr)
        found += await BENCHMARKS[name]()
    return found


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark {unknown[0]}: choose among {', '.join(BENCHMARKS)}")
    show(run(_all(names)))


if __name__ == "__main__":
    main()
