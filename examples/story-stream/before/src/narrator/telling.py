"""Tells a story to whoever subscribes, token by token.

The next token is taken from the model when the last one has been published: a slow API slows the model down, nothing
piles up in between.
"""

import contextlib

import progress
import publishing
import tokens


def tell(story_id, prompt):
    """From where an earlier attempt stopped. Raises when the model or the API fails; returns the number of tokens."""
    index = progress.told(story_id) or 0
    progress.tell(story_id, index)
    with contextlib.closing(tokens.tell(prompt)) as story:
        for _ in range(index):
            next(story, None)
        for token in story:
            if progress.cancelled(story_id):
                break
            publishing.publish(storyId=story_id, index=index, text=token, last=False)
            index += 1
            progress.tell(story_id, index)
    publishing.publish(storyId=story_id, index=index, text="", last=True)
    progress.forget(story_id)
    print(f"story {story_id}: {index} tokens")
    return index


def give_up(story_id, reason):
    """Nobody will tell it any more: whoever listens is told so."""
    told = progress.told(story_id) or 0
    publishing.publish(storyId=story_id, index=told, text="", last=True, error=reason[:200])
    progress.forget(story_id)
