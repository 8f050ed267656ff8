"""What the API does to a chat that is open, as turns of the engine: topics, a custom participant, an earlier chat.

Called by `engine.py` through its table; pure. A contact without a chat, or one that has ended, takes none of it.

https://docs.aws.amazon.com/connect/latest/adminguide/chat-customize-flow.html
"""

import msgspec

from callpark.flows.chat.model import JOINED, LEFT, REHYDRATED
from callpark.flows.effects import Note, Post
from callpark.flows.events import BotConnected, BotInvited, Event, Rehydrated, StreamsChanged
from callpark.flows.turn import BOT, CONNECTION, Turn


def chat_begun(turn: Turn) -> None:
    """The customer has joined: what the chat begins with."""
    if turn.chat is not None and turn.chat.continued_from:
        turn.effects.append(Note(REHYDRATED))
    if turn.chat is not None and turn.chat.initial is not None:
        turn.effects.append(Post(turn.chat.initial))


def streams_changed(turn: Turn, event: Event) -> None:
    assert isinstance(event, StreamsChanged)
    if turn.chat is not None:
        left = [stream for stream in turn.chat.streams if stream.id not in event.stopped]
        turn.chat = msgspec.structs.replace(turn.chat, streams=(*left, *event.started))


def bot_invited(turn: Turn, event: Event) -> None:
    """Whoever has not connected in time is not waited for any longer."""
    assert isinstance(event, BotInvited)
    if turn.chat is not None:
        turn.chat = msgspec.structs.replace(turn.chat, bot=event.bot, bot_expected=event.until)
        turn.arm(BOT, event.until)


def bot_connected(turn: Turn, event: Event) -> None:
    assert isinstance(event, BotConnected)
    chat = turn.chat
    if chat is not None and chat.bot is not None and chat.bot_expected:
        turn.chat = msgspec.structs.replace(chat, bot_expected=0.0)
        turn.disarm(BOT)
        turn.effects.append(Note(JOINED, chat.bot))


def bot_gone(turn: Turn) -> bool:
    """The custom participant has left, or never came; whether there was one."""
    chat = turn.chat
    turn.disarm(BOT)
    if chat is None or chat.bot is None:
        return False
    if not chat.bot_expected:
        turn.effects.append(Note(LEFT, chat.bot))
    turn.chat = msgspec.structs.replace(chat, bot=None, bot_expected=0.0)
    return True


def rehydrated(turn: Turn, event: Event) -> None:
    """Once for each chat. One that has not begun says so when it begins."""
    assert isinstance(event, Rehydrated)
    if turn.chat is not None and not turn.chat.continued_from:
        turn.chat = msgspec.structs.replace(turn.chat, past=event.past, continued_from=event.source)
        if CONNECTION not in turn.timers:
            turn.effects.append(Note(REHYDRATED))
