"""A GGUF model on llama.cpp (package xllamacpp), within the process of `worker.py`.

llama.cpp's own server does the work: continuous batching over slots, chat templates from the file, tools as far as the
template knows them. A tool that must be used is written under its JSON schema, whatever the template.
https://github.com/xorbitsai/xllamacpp
"""

import http.client
import json
import os
import secrets  # noqa: TID251  the key is between this process and itself
from collections.abc import Mapping
from urllib.parse import urlsplit

import orjson
import xllamacpp

from callpark.models import refusals
from callpark.models.backends.chat_completions import Reading, refusal_of
from callpark.models.backends.local.messages import Count, Embed, Embedded, Generate
from callpark.models.backends.local.worker import Options, Say
from callpark.models.model import Part, Prompt, Stop, Token, ToolUseInput, ToolUseStart, Usage
from callpark.models.stopping import StopText, finished, spoken

#: llama.cpp rounds the context of a slot up to so many tokens.
_BLOCK = 256

_PROBE = "probe_of_the_template"


def threads() -> int:
    """As many as there are cores, less one for those who read what is written: llama.cpp's threads wait for each other
    at every step, spinning, so that one that has to share its core slows down all (measured: 60 tokens a second become
    3 on two busy cores, where one thread makes 20)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores - 1)


class Llama:
    """`worker.Runner` on one GGUF file."""

    def __init__(self, options: Options) -> None:
        parameters = xllamacpp.CommonParams()
        parameters.model.path = options.path
        parameters.n_parallel = options.at_once
        self._context = -(-options.context // _BLOCK) * _BLOCK
        parameters.n_ctx = self._context * options.at_once
        parameters.cpuparams.n_threads = options.threads or threads()
        parameters.verbosity = -1
        parameters.ui = False
        parameters.endpoint_props = parameters.endpoint_slots = False
        # Its HTTP side, which counts tokens without a slot, cannot be left out: nobody else shall use it.
        self._key = secrets.token_hex(16)
        parameters.api_keys = [self._key]
        self._server = xllamacpp.Server(parameters)
        self._address = urlsplit(self._server.listening_address)
        self.note = (
            ""
            if self._knows_tools()
            else ("its chat template has no tools: only a toolChoice of any (with one tool) or tool is acted on")
        )

    def generate(self, asked: Generate, say: Say) -> None:
        writing = _Writing(asked, say, self._context)
        body = {**asked.body, "return_progress": True, "timings_per_token": True}
        if asked.forced is not None:
            body = {name: value for name, value in body.items() if name not in ("tools", "tool_choice")}
            body["json_schema"] = writing.schema
        work = self._server.handle_completions if "prompt" in body else self._server.handle_chat_completions
        try:
            work(body, writing.take)
        except (ValueError, TypeError) as error:
            raise refusals.validation(str(error)) from None
        writing.finish()

    def count(self, asked: Count) -> int:
        prompt = asked.body.get("prompt")
        if prompt is None:
            prompt = self._post("/apply-template", {"messages": asked.body["messages"], **_tools(asked.body)})["prompt"]
        tokens = self._post("/tokenize", {"content": prompt, "add_special": True, "parse_special": True})["tokens"]
        assert isinstance(tokens, list)
        return len(tokens)

    def embed(self, asked: Embed) -> Embedded:
        raise refusals.validation("This model does not make embeddings.")

    def _knows_tools(self) -> bool:
        function = {"name": _PROBE, "description": "", "parameters": {"type": "object", "properties": {}}}
        body = {"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "function", "function": function}]}
        return _PROBE in str(self._post("/apply-template", body).get("prompt"))

    def _post(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        try:
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            answer = orjson.loads(response.read())
        finally:
            connection.close()
        if response.status != 200:
            raise refusal_of(answer.get("error"), response.status, begun=False)
        assert isinstance(answer, dict)
        return answer


class _Writing:
    """One generation: from llama.cpp's chunks to parts, with the stop sequences, which it does not name, found here."""

    def __init__(self, asked: Generate, say: Say, context: int) -> None:
        self._say = say
        self._context = context
        self._reading = Reading()
        self._stop = StopText(asked.stop)
        self._forced = asked.forced
        self._prompt: int | None = None
        self._tokens = 0
        self._begun = False
        self._ended = False
        self._failure: Exception | None = None
        self.schema = _schema(asked)

    def take(self, chunk: Mapping[str, object]) -> bool:
        """What to do with a chunk; True ends the generation. Exceptions do not cross C++: they are kept."""
        try:
            return self._take(chunk)
        except Exception as error:
            self._failure = error
            return True

    def finish(self) -> None:
        """The Stop, unless it was said or nobody listens."""
        if self._failure is not None:
            raise self._failure
        if self._ended:
            return
        self._stop, rest = finished(self._stop)
        if rest:
            self._say(Token(rest))
        stop = self._reading.stop()
        usage = Usage(self._prompt or stop.usage.input_tokens, self._tokens or stop.usage.output_tokens)
        reason = stop.reason
        if self._stop.met is not None:
            reason = "stop_sequence"
        elif reason == "max_tokens" and usage.total_tokens >= self._context:
            reason = "model_context_window_exceeded"
        elif self._forced is not None and reason == "end_turn":
            reason = "tool_use"
        self._say(Stop(reason, usage, self._stop.met))

    def _take(self, chunk: Mapping[str, object]) -> bool:
        progress, timings = chunk.get("prompt_progress"), chunk.get("timings")
        if isinstance(timings, dict):
            self._tokens = timings["predicted_n"]
        if isinstance(progress, dict):
            if self._prompt is None:
                self._prompt = progress["total"]
                return self._tell(Prompt(self._prompt))
            return self._tell(None)
        parts = self._reading.read(chunk)
        # A chunk without any (a model's reasoning, half a character) is a sign of life all the same.
        return any(self._said(part) for part in parts) if parts else self._tell(None)

    def _said(self, part: Part) -> bool:
        if not isinstance(part, Token):
            return self._tell(part)
        if self._forced is not None:
            return self._forced_input(self._forced, part.text)
        self._stop, text = spoken(self._stop, part.text)
        return self._tell(Token(text) if text else None) or self._stop.met is not None

    def _forced_input(self, tool: str, text: str) -> bool:
        if not self._begun:
            self._begun = True
            self._tell(ToolUseStart(f"tooluse_{secrets.token_hex(11)}", tool))
        return self._tell(ToolUseInput(text))

    def _tell(self, part: Part | None) -> bool:
        """True, and nothing more is said, when nobody listens."""
        self._ended = self._say(part)
        return self._ended


def _tools(body: Mapping[str, object]) -> dict[str, object]:
    return {"tools": body["tools"]} if "tools" in body else {}


def _schema(asked: Generate) -> object:
    """The JSON schema of the input of the tool that must be used."""
    tools = asked.body.get("tools")
    for tool in tools if isinstance(tools, list) else ():
        if tool["function"]["name"] == asked.forced:
            return tool["function"]["parameters"]
    return {}


def load(options: Options) -> Llama:
    return Llama(options)
