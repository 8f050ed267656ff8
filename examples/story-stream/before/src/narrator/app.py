"""Tells the stories that come off the queue: each token goes to the API's subscribers through a mutation."""

import json
import os
import urllib.request

import tokens

URL = os.environ["GRAPHQL_URL"]
KEY = os.environ["API_KEY"]

# Subscribers can only be given what this selects.
PUBLISH = """
mutation Publish($storyId: ID!, $index: Int!, $text: String!, $last: Boolean!) {
  publishToken(storyId: $storyId, index: $index, text: $text, last: $last) { storyId index text last }
}
"""


def handler(event, context):
    for record in event["Records"]:
        tell(json.loads(record["body"]))


def tell(asked):
    story_id, index = asked["storyId"], 0
    for token in tokens.tell(asked["prompt"]):
        publish(storyId=story_id, index=index, text=token, last=False)
        index += 1
    publish(storyId=story_id, index=index, text="", last=True)
    print(f"story {story_id}: {index} tokens")


def publish(**variables):
    body = json.dumps({"query": PUBLISH, "variables": variables}).encode()
    headers = {"content-type": "application/json", "x-api-key": KEY}
    with urllib.request.urlopen(urllib.request.Request(URL, body, headers), timeout=10) as answer:
        errors = json.load(answer).get("errors")
    if errors:
        raise RuntimeError(errors[0]["message"])
