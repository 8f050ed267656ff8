"""`GET /_callpark/cluster`, asked by `callpark cluster status`."""

from typing import Final

import orjson

from callpark.cluster.node import Node
from callpark.cluster.placement import CONTROL
from callpark.kernel.asgi import Receive, Scope, Send, path, respond

STATUS_PATH: Final = "/_callpark/cluster"


class StatusPage:
    """`GET /_callpark/cluster`: the members as this node sees them."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def matches(self, scope: Scope) -> bool:
        return scope["type"] == "http" and path(scope) == STATUS_PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        node = self._node
        view, now = node.view, node.clock.now()
        heard = node.standing.heard
        control = node.owner(CONTROL)
        members = [
            {
                "name": each.name,
                "id": each.id,
                "url": each.url,
                "version": each.version,
                "state": "leaving" if each in view.leaving else "up",
                "control": control is not None and control.id == each.id,
                "heardSecondsAgo": 0.0 if each.id == node.me.id else _ago(now, heard.get(each.id)),
            }
            for each in (*view.members, *view.leaving)
        ]
        answer = {
            "node": node.me.name,
            "epoch": view.epoch,
            "settled": node.standing.settled == view.epoch,
            "fenced": node.fenced(),
            "members": members,
        }
        await respond(send, 200, orjson.dumps(answer), ((b"content-type", b"application/json"),), scope["method"])


def _ago(now: float, heard: object) -> float | None:
    at = getattr(heard, "at", None)
    return None if at is None else round(max(0.0, now - at), 3)
