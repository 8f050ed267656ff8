"""Finds the passages of our documents that are nearest in meaning to a question."""

import index


def handler(event, context):
    return index.nearest(event["question"], event["count"])
