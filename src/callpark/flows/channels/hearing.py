"""What a phone is told of a contact's effects, and what it is asked for. Called by `lane.py`, after the save."""

from callpark.flows.channels.conversation import Correspondent, Talker
from callpark.flows.channels.voice import Phone
from callpark.flows.effects import (
    CollectKeys,
    ForPhone,
    Listen,
    Note,
    Post,
    Say,
    Show,
    ShowForm,
    StopCollecting,
    StopSpeaking,
)

#: Keys that a bot takes at most, as a phone is told: Lex takes 1,024 characters.
_BOT_KEYS = 1_024


def tell(phone: Phone, effect: ForPhone, now: float) -> None:
    match effect:
        case Say():
            phone.heard(effect.text, now, effect.seconds)
        case StopSpeaking():
            phone.interrupted(now)
        case CollectKeys():
            phone.keys_wanted(effect.maximum, effect.terminator, now, effect.seconds_of_prompt)
        case StopCollecting():
            phone.keys_ended(now)
        case Listen():
            want_words(phone, now, effect.seconds_of_prompt)
        case ShowForm():
            if isinstance(phone, Talker):
                phone.view_shown(effect.view, effect.data, now)
        case Show():
            if isinstance(phone, Correspondent):
                phone.written(effect.items)
        case Post() | Note():
            pass  # it is among what is shown


def want_words(phone: Phone, now: float, seconds_of_prompt: float) -> None:
    """Words are wanted; a phone without any is asked for keys."""
    if isinstance(phone, Talker):
        phone.words_wanted(now, seconds_of_prompt)
    else:
        phone.keys_wanted(_BOT_KEYS, "#", now, seconds_of_prompt)
