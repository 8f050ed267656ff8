"""Hands a token to the API's subscribers."""

import http.client
import json
import os
from urllib.parse import urlsplit

URL = urlsplit(os.environ["GRAPHQL_URL"])
KEY = os.environ["API_KEY"]

# Subscribers can only be given what this selects.
PUBLISH = """
mutation Publish($storyId: ID!, $index: Int!, $text: String!, $last: Boolean!, $error: String) {
  publishToken(storyId: $storyId, index: $index, text: $text, last: $last, error: $error) {
    storyId index text last error
  }
}
"""

Connection = http.client.HTTPSConnection if URL.scheme == "https" else http.client.HTTPConnection
connection = Connection(URL.netloc, timeout=10)


def publish(**variables):
    body = json.dumps({"query": PUBLISH, "variables": variables})
    headers = {"content-type": "application/json", "x-api-key": KEY}
    try:
        connection.request("POST", URL.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
    except (http.client.HTTPException, OSError):
        # The connection was kept from token to token; the next one opens another.
        connection.close()
        raise
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {content[:200]!r}")
    if errors := json.loads(content).get("errors"):
        raise RuntimeError(errors[0]["message"])
