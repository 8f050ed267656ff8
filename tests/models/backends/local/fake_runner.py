"""A model for `worker.py` without weights: does at once what the newest message says. Runs in the worker's process."""

import os
import signal
import threading
from collections.abc import Mapping

from callpark.models import refusals
from callpark.models.backends.local.messages import Count, Embed, Embedded, Generate
from callpark.models.backends.local.worker import Options, Say
from callpark.models.backends.scripted import tokens_of
from callpark.models.model import Prompt, Stop, StopReason, Token, Usage
from callpark.models.stopping import StopText, spoken


def _text(body: Mapping[str, object]) -> str:
    messages = body.get("messages")
    return str(messages[-1]["content"]) if isinstance(messages, list) else str(body["prompt"])


class FakeRunner:
    """`say W…`: the words, one by one. `die`, `hang`, `memory`, `allocate` (2 GB), `stop`, `fail` before any word; with
    ` after N` after N words `w`. `endless`: words until cancelled, then leaves a mark: the path in the options."""

    note = "knows no tools"

    def __init__(self, options: Options) -> None:
        self._mark = options.path
        self._never = threading.Event()

    def generate(self, asked: Generate, say: Say) -> None:
        command, _, rest = _text(asked.body).partition(" ")
        words = rest.split() if command in ("say", "echo") else ["w"] * int(rest.removeprefix("after ") or 0)
        say(Prompt(3))
        for word in words:
            if say(Token(word)):
                return
        match command:
            case "die":
                os.kill(os.getpid(), signal.SIGKILL)
                self._never.wait()
            case "hang":
                self._never.wait()
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
                self._never.wait()
            case "allocate":
                bytearray(2_000_000_000)
            case "memory":
                raise MemoryError
            case "fail":
                raise RuntimeError("no luck")
            case "refuse":
                raise refusals.validation("Input is too long for requested model.")
            case "die-once" if not os.path.exists(self._mark):
                with open(self._mark, "w"):
                    pass
                os.kill(os.getpid(), signal.SIGKILL)
                self._never.wait()
            case "endless":
                while not say(Token("w")):
                    pass
                with open(self._mark, "w") as mark:
                    mark.write("cancelled")
                return
        say(Stop("end_turn", Usage(3, len(words))))

    def count(self, asked: Count) -> int:
        return len(_text(asked.body).split())

    def embed(self, asked: Embed) -> Embedded:
        if asked.texts == ("die",):
            os.kill(os.getpid(), signal.SIGKILL)
            self._never.wait()
        raise refusals.validation("This model does not make embeddings.")


class Echo(FakeRunner):
    """Repeats what it is asked, word by word, with stop sequences and a bound as the real ones have them."""

    def generate(self, asked: Generate, say: Say) -> None:
        text, most = _text(asked.body), asked.body.get("max_tokens")
        say(Prompt(self.count(Count(0, asked.body))))
        stop, said = StopText(asked.stop), 0
        reason: StopReason = "end_turn"
        for token in tokens_of(text):
            if said == most:
                reason = "max_tokens"
                break
            said += 1
            stop, spoken_text = spoken(stop, token)
            if spoken_text and say(Token(spoken_text)):
                return
            if stop.met is not None:
                reason = "stop_sequence"
                break
        say(Stop(reason, Usage(self.count(Count(0, asked.body)), said), stop.met))


def load(options: Options) -> FakeRunner:
    return FakeRunner(options)


def broken(options: Options) -> FakeRunner:
    raise ValueError(f"no model in {options.path}")


def dying(_: Options) -> FakeRunner:
    os._exit(3)


def echoing(options: Options) -> Echo:
    return Echo(options)
