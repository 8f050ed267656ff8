"""How the servers stand, for people: who leads the stream, and how far behind its replicas are. Pure but for one
question; asked by `store.py`."""

from collections.abc import Mapping

from callpark.store.nats.connection import Answer, Connection


async def condition(connection: Connection, server: str | None) -> Mapping[str, object]:
    """`leader` None while there is none, and of a single server; `behind` in messages. Raises Unanswered, Refused."""
    answer = await connection.ask("STREAM.INFO", {})
    cluster = answer.cluster or Answer.Cluster()
    wanted = answer.configuration.num_replicas
    return {
        "kind": "nats",
        "server": server,
        "leader": cluster.leader or None,
        "led": bool(cluster.leader) or wanted == 1,
        "wanted": wanted,
        "replicas": [
            {"name": each.name, "current": each.current, "offline": each.offline, "behind": each.lag}
            for each in cluster.replicas
        ],
        "messages": 0 if answer.state is None else answer.state.messages,
    }
