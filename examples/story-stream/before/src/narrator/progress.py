"""How far each story has been told, and whether anybody still wants it.

One small file a story, in a folder that every function sees: what a file system (EFS) is on AWS. A table in DynamoDB
would do as well.
"""

import os
import pathlib
import re

STORIES = pathlib.Path(os.environ["STORIES_FOLDER"])


def told(story_id):
    """How many tokens have been told, None when it is not being told."""
    try:
        return int(_file(story_id, "told").read_text())
    except FileNotFoundError:
        return None


def tell(story_id, tokens):
    _write(_file(story_id, "told"), str(tokens))


def cancel(story_id):
    """Whether it was being told."""
    if told(story_id) is None:
        return False
    _write(_file(story_id, "cancelled"), "")
    return True


def cancelled(story_id):
    return _file(story_id, "cancelled").exists()


def forget(story_id):
    for name in ("told", "cancelled"):
        _file(story_id, name).unlink(missing_ok=True)


def _file(story_id, name):
    if not re.fullmatch(r"[\w-]{1,64}", story_id):
        raise ValueError("a story's id is up to 64 letters, digits, dashes and underscores")
    return STORIES / f"{story_id}.{name}"


def _write(path, text):
    """Whole or not at all, whoever reads it meanwhile."""
    STORIES.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f"{path.suffix}.{os.getpid()}")
    new.write_text(text)
    new.replace(path)
