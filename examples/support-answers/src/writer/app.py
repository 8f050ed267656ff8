"""Writes the answer to a question from what was found, piece by piece, to whoever subscribes."""

import contextlib
import http.client
import json
import os
from urllib.parse import urlsplit

import boto3

MODEL = os.environ["MODEL_ID"]
URL = urlsplit(os.environ["GRAPHQL_URL"])
KEY = os.environ["API_KEY"]
PUBLISH = """
mutation Publish($questionId: ID!, $index: Int!, $text: String!, $last: Boolean!) {
  publishAnswer(questionId: $questionId, index: $index, text: $text, last: $last) { questionId index text last }
}
"""
SYSTEM = "You answer customers of a parcel service in two or three friendly sentences. Use only what is known."

bedrock = boto3.client("bedrock-runtime")
Connection = http.client.HTTPSConnection if URL.scheme == "https" else http.client.HTTPConnection


def handler(event, context):
    index = 0
    with contextlib.closing(Connection(URL.netloc, timeout=10)) as connection:
        for text in written(known(event), event["question"]):
            publish(connection, questionId=event["questionId"], index=index, text=text, last=False)
            index += 1
        publish(connection, questionId=event["questionId"], index=index, text="", last=True)
    return {"pieces": index}


def known(event):
    """What the model may use, as text."""
    customer = event["customer"]
    lines = [f"The customer is {customer['name']} from {customer['city']}."] if customer else []
    for parcel in event["parcels"]:
        expected = f", expected on {parcel['expected']}" if parcel.get("expected") else ""
        lines.append(f"Parcel {parcel['number']} is {parcel['status']}{expected}.")
    lines += [f"{passage['title']}: {passage['text']}" for passage in event["passages"]]
    return "\n".join(lines)


def written(facts, question):
    """The answer's tokens, each as soon as the model has it."""
    answer = bedrock.converse_stream(
        modelId=MODEL,
        system=[{"text": SYSTEM}],
        messages=[{"role": "user", "content": [{"text": f"What is known:\n{facts}\n\nThe question: {question}"}]}],
        inferenceConfig={"maxTokens": 120, "temperature": 0},
    )
    for event in answer["stream"]:
        if delta := event.get("contentBlockDelta"):
            yield delta["delta"]["text"]


def publish(connection, **variables):
    body = json.dumps({"query": PUBLISH, "variables": variables})
    connection.request("POST", URL.path, body, {"content-type": "application/json", "x-api-key": KEY})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200 or (errors := json.loads(content).get("errors")):
        raise RuntimeError(content[:200].decode() if answer.status != 200 else errors[0]["message"])
