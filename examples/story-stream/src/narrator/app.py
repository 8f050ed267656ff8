"""Tells a story: each token goes to the API's subscribers through a mutation, as soon as it is there."""

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
    story_id, index = event["storyId"], 0
    for token in tokens.tell(event["prompt"]):
        publish(storyId=story_id, index=index, text=token, last=False)
        index += 1
    publish(storyId=story_id, index=index, text="", last=True)
    print(f"story {story_id}: {index} tokens")
    return {"tokens": index}


def publish(**variables):
    body = json.dumps({"query": PUBLISH, "variables": variables}).encode()
    headers = {"content-type": "application/json", "x-api-key": KEY}
    with urllib.request.urlopen(urllib.request.Request(URL, body, headers), timeout=10) as answer:
        errors = json.load(answer).get("errors")
    if errors:
        raise RuntimeError(errors[0]["message"])
