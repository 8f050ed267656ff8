"""The chat channel: what a message is to the engine.

The port is the one of voice: a participant is a `Phone` that hears messages, and a `Talker` whose words reach the flow.
A message takes no time: the flow goes on at once, and what comes meanwhile is dealt with after it. SSML is not spoken
but shown as it stands; recordings cannot be sent. `message` is pure.

https://docs.aws.amazon.com/connect/latest/adminguide/chat.html
"""

from callpark.flows.prompts import BadPrompt, Prompt
from callpark.flows.world import Heard
from callpark.kernel.limits import ConnectLimits


def message(prompt: Prompt, limits: ConnectLimits) -> Heard:
    """What the customer reads. Raises BadPrompt for a recording and for more than 6,000 characters."""
    if prompt.kind == "recording":
        raise BadPrompt(f"a chat takes text, not the recording {prompt.content!r}")
    if len(prompt.content) > limits.prompt_characters:
        raise BadPrompt(f"the message has {len(prompt.content)} characters, more than {limits.prompt_characters}")
    return Heard(prompt.content, len(prompt.content.split()), 0.0)
