"""The handlers: of the narrator, of the destination of what fails, and of the mutation that cancels."""

import progress
import telling


def handler(event, context):
    """Runs as an asynchronous event: what it raises, Lambda tries again after a minute."""
    return {"tokens": telling.tell(event["storyId"], event["prompt"])}


def failed(event, context):
    """The destination OnFailure: told of stories that failed every time, with the reason."""
    reason = (event.get("responsePayload") or {}).get("errorMessage") or event["requestContext"]["condition"]
    telling.give_up(event["requestPayload"]["storyId"], reason)


def cancel(event, context):
    """The resolver of cancelStory: the narrator stops at its next token. Whether it was being told."""
    return progress.cancel(event["arguments"]["storyId"])
