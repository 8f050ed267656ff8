"""Puts a story on the queue, so that AppSync need not wait for it to be told."""

import json
import os

import boto3

QUEUE = os.environ["QUEUE_URL"]
sqs = boto3.client("sqs")


def handler(event, context):
    sqs.send_message(QueueUrl=QUEUE, MessageBody=json.dumps(event))
    return "OK"
