"""The handlers: of the narrator, of the dead-letter queue, and of the mutation that cancels."""

import json

import progress
import telling


def handler(event, context):
    """Fed by the queue: what it raises comes back when its message becomes visible again."""
    for record in event["Records"]:
        story = json.loads(record["body"])
        telling.tell(story["storyId"], story["prompt"])


def failed(event, context):
    """Fed by the dead-letter queue, which does not know the reason."""
    for record in event["Records"]:
        telling.give_up(json.loads(record["body"])["storyId"], "the story failed twice")


def cancel(event, context):
    """The resolver of cancelStory: the narrator stops at its next token. Whether it was being told."""
    return progress.cancel(event["arguments"]["storyId"])
