"""Where the tokens come from: a model that always tells the same story, at a model's pace.

Put a real model behind `tell` and nothing else changes.
"""

import os
import time

PAUSE_SECONDS = float(os.environ.get("TOKEN_SECONDS", "0.08"))

STORY = (
    "Once there was a telephone exchange that never made anybody wait. When a caller asked for {prompt}, it parked the "
    "call, sent a runner, and kept on talking. The runner came back with the first word, and then with the next."
)


def tell(prompt):
    """The tokens of a story about `prompt`, each as soon as it is there."""
    for token in STORY.format(prompt=prompt).split(" "):
        time.sleep(PAUSE_SECONDS)
        yield token + " "
