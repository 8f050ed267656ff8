"""Texts to vectors, by an embedding model of Amazon Bedrock's."""

import json
import os

import boto3

MODEL = os.environ["EMBEDDING_MODEL_ID"]
bedrock = boto3.client("bedrock-runtime")


def embed(text):
    """A vector of length 1."""
    answer = bedrock.invoke_model(modelId=MODEL, body=json.dumps({"inputText": text, "normalize": True}))
    return json.loads(answer["body"].read())["embedding"]
