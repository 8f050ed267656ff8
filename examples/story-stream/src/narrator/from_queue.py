"""The handlers as `before/` has them: of the narrator that a queue feeds, and of its dead-letter queue."""

import json

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
