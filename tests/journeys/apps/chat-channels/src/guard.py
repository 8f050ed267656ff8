"""AWS's own event handler decides; what the observed channel says is published again, to a channel of another name."""

import json
import os
import urllib.request

from aws_lambda_powertools.event_handler import AppSyncEventsResolver
from aws_lambda_powertools.event_handler.events_appsync.exceptions import UnauthorizedException

app = AppSyncEventsResolver()


@app.on_publish("/guarded/*")
def check(payload):
    if payload.get("text") == "fail":
        raise ValueError("not this one")
    return {**payload, "checked": True}


@app.on_subscribe("/guarded/secret")
def refuse():
    raise UnauthorizedException("nobody may listen here")


@app.on_subscribe("/guarded/broken")
def broken():
    raise ValueError("not today")


@app.on_publish("/observed/*", aggregate=True)
def observe(payload):
    body = {"channel": "/default/observed", "events": [json.dumps(event["payload"]) for event in payload]}
    headers = {"content-type": "application/json", "x-api-key": os.environ["EVENTS_KEY"]}
    request = urllib.request.Request(os.environ["EVENTS_URL"], json.dumps(body).encode(), headers)
    urllib.request.urlopen(request).read()
    return payload


def handler(event, context):
    return app.resolve(event, context)
