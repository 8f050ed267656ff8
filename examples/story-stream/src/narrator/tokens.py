"""Where the tokens come from: a model of Amazon Bedrock's, by the id in MODEL_ID."""

import os

import boto3

MODEL = os.environ["MODEL_ID"]
bedrock = boto3.client("bedrock-runtime")


def tell(prompt):
    """The tokens of a story about `prompt`, each as soon as the model has it.

    Whoever closes this generator ends the model's work. With temperature 0 the same prompt is the same story, so that
    another attempt can leave out what has been told.
    """
    answer = bedrock.converse_stream(
        modelId=MODEL,
        messages=[{"role": "user", "content": [{"text": f"Write a fairy tale for children about {prompt}."}]}],
        inferenceConfig={"maxTokens": 120, "temperature": 0},
    )
    try:
        for event in answer["stream"]:
            if delta := event.get("contentBlockDelta"):
                yield delta["delta"]["text"]
    finally:
        answer["stream"].close()
