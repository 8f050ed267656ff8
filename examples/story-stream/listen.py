"""Subscribe to a story and print it as it is told. Needs GRAPHQL_URL and GRAPHQL_API_KEY, and the package websockets.

python listen.py [STORY_ID]
"""

import base64
import json
import os
import sys
from urllib.parse import urlsplit

from websockets.sync.client import connect

URL, KEY = os.environ["GRAPHQL_URL"], os.environ["GRAPHQL_API_KEY"]
QUERY = "subscription Listen($storyId: ID) { onToken(storyId: $storyId) { storyId index text last error } }"


def listen(story_id):
    authorization = {"host": urlsplit(URL).netloc, "x-api-key": KEY}
    header = base64.urlsafe_b64encode(json.dumps(authorization).encode()).decode().rstrip("=")
    with connect(realtime(URL), subprotocols=["graphql-ws", f"header-{header}"]) as socket:
        socket.send(json.dumps({"type": "connection_init"}))
        # An argument that is null asks for tokens without a story; one that is left out asks for all.
        variables = {"storyId": story_id} if story_id else {}
        query = json.dumps({"query": QUERY, "variables": variables})
        heard = 0
        for message in map(json.loads, socket):
            if message["type"] == "connection_ack":
                payload = {"data": query, "extensions": {"authorization": authorization}}
                socket.send(json.dumps({"id": "1", "type": "start", "payload": payload}))
            elif message["type"] == "start_ack":
                print("listening", file=sys.stderr)
            elif message["type"] == "data":
                token = message["payload"]["data"]["onToken"]
                # A narrator that died just after it had published says that token again.
                if token["index"] >= heard:
                    heard = token["index"] + 1
                    print(token["text"], end="", flush=True)
                if token["last"]:
                    print()
                    if token["error"]:
                        sys.exit(token["error"])
                    return
            elif "error" in message["type"]:
                sys.exit(json.dumps(message["payload"]))


def realtime(url):
    """The real-time endpoint that belongs to a GraphQL endpoint: another host on AWS, another path everywhere else."""
    url = url.replace("http", "ws", 1)
    return url.replace("appsync-api", "appsync-realtime-api") if "appsync-api" in url else f"{url}/realtime"


if __name__ == "__main__":
    listen(sys.argv[1] if len(sys.argv) > 1 else None)
