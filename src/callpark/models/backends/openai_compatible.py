"""Any server that speaks OpenAI's API as a backend: Ollama, llama.cpp's server, vLLM, or OpenAI itself.

Made by `making.py` from an `openai:` backend. https://platform.openai.com/docs/api-reference/chat-streaming
"""

import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from callpark.kernel.clock import Clock
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import ModelLimits
from callpark.models import refusals
from callpark.models.backends import chat_completions
from callpark.models.backends.chat_completions import Reading, refusal_of
from callpark.models.declared import OpenAi
from callpark.models.model import EmbeddingRequest, GenerationRequest, Part, Prompt, Vectors

if TYPE_CHECKING:
    import httpx

_log = logging.getLogger("callpark")

#: What a chunk may be called that carries a model's reasoning, which Bedrock would stream as reasoningContent.
_REASONING = ("reasoning_content", "reasoning")


class OpenAiCompatible:
    """`port.Backend` over HTTP. A request holds virtual time while its server works."""

    def __init__(self, declared: OpenAi, key: str | None, clock: Clock, limits: ModelLimits) -> None:
        self._declared = declared
        self._url = declared.url.rstrip("/")
        self._host = urlsplit(declared.url).netloc
        self._key = key
        self._clock = clock
        self._limits = limits
        self._client: httpx.AsyncClient | None = None
        self._warned = False

    @property
    def at_once(self) -> int:
        return self._declared.at_once

    @property
    def description(self) -> str:
        return f"{self._declared.model or 'models'} at {self._url}"

    async def stream(self, request: GenerationRequest) -> AsyncIterator[Part]:
        reading = Reading()
        chunks = self._chunks(request)
        begun = counted = False
        try:
            while True:
                with self._clock.hold(f"a model at {self._host}"):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    break
                self._warn_of_reasoning(chunk)
                if (error := chunk.get("error")) is not None:
                    raise refusal_of(error, None, begun=begun or counted)
                for part in reading.read(chunk):
                    begun = True
                    yield part
                if reading.input_tokens and not begun and not counted:
                    counted = True
                    yield Prompt(reading.input_tokens)
        except _Broken as broken:
            raise broken.refusal(begun=begun or counted) from None
        finally:
            await chunks.aclose()  # type: ignore[attr-defined]
        if reading.reason is None:
            text = f"{self._host} ended the stream before the model had ended."
            raise refusals.stream_error(text) if begun or counted else refusals.model_error(text)
        yield reading.stop()

    async def count_tokens(self, request: GenerationRequest) -> int:
        """By asking for one token: no part of the API counts alone."""
        body = {**self._body(request), "stream": False, "max_tokens": 1}
        body.pop("stream_options")
        usage = (await self._post(_path(request), body)).get("usage")
        tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        if not isinstance(tokens, int):
            raise refusals.validation("The model's server does not say how many tokens a request has.")
        return tokens

    async def embed(self, request: EmbeddingRequest) -> Vectors:
        body: dict[str, object] = {"model": self._model(request.model), "input": list(request.texts)}
        if request.dimensions is not None:
            body["dimensions"] = request.dimensions
        answer = await self._post("/embeddings", body)
        data, usage = answer.get("data"), answer.get("usage")
        try:
            assert isinstance(data, list)
            ordered = sorted(data, key=lambda one: int(one["index"]))
            vectors = tuple(tuple(float(value) for value in one["embedding"]) for one in ordered)
        except (AssertionError, KeyError, TypeError, ValueError):
            raise refusals.model_error(f"What {self._host} answered is no list of embeddings.") from None
        tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else 0
        return Vectors(vectors, tokens if isinstance(tokens, int) else 0)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _chunks(self, request: GenerationRequest) -> AsyncIterator[Mapping[str, object]]:
        """The JSON of each event of the streamed answer. Raises CallerError, _Broken."""
        import httpx

        url, body = f"{self._url}{_path(request)}", self._body(request)
        try:
            async with self._opened().stream("POST", url, content=orjson.dumps(body)) as response:
                if response.status_code != 200:
                    raise _refused(response.status_code, await response.aread())
                async for line in response.aiter_lines():
                    if not line.startswith("data:"):
                        continue
                    text = line.removeprefix("data:").strip()
                    if text == "[DONE]":
                        return
                    with contextlib.suppress(orjson.JSONDecodeError):
                        chunk = orjson.loads(text)
                        if isinstance(chunk, dict):
                            yield chunk
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _Broken(self._host, error) from error

    async def _post(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        import httpx

        try:
            with self._clock.hold(f"a model at {self._host}"):
                response = await self._opened().post(f"{self._url}{path}", content=orjson.dumps(body))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _Broken(self._host, error).refusal(begun=False) from error
        if response.status_code != 200:
            raise _refused(response.status_code, response.content)
        try:
            answer = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            raise refusals.model_error(f"What {self._host} answered is no JSON object.")
        return answer

    def _body(self, request: GenerationRequest) -> dict[str, object]:
        return {"model": self._model(request.model), **chat_completions.body(request)}

    def _model(self, asked: str) -> str:
        return asked or self._declared.model

    def _opened(self) -> "httpx.AsyncClient":
        """Made at the first request: reading the machine's certificates takes a while."""
        if self._client is None:
            import httpx

            headers = {"Content-Type": "application/json"}
            if self._key is not None:
                headers["Authorization"] = f"Bearer {self._key}"
            limits = self._limits
            # This machine is not reached through a proxy, whatever the environment says of proxies.
            direct = {f"all://{host}": None for host in ("127.0.0.1", "localhost")}
            self._client = httpx.AsyncClient(
                headers=headers,
                timeout=httpx.Timeout(limits.silence_seconds, connect=limits.connect_seconds),
                mounts=direct,
            )
        return self._client

    def _warn_of_reasoning(self, chunk: Mapping[str, object]) -> None:
        if self._warned:
            return
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            delta = choice.get("delta") if isinstance(choice, dict) else None
            if isinstance(delta, dict) and any(delta.get(name) for name in _REASONING):
                self._warned = True
                _log.warning("%s sends its reasoning; it is left out of what callpark streams", self.description)


class _Broken(Exception):
    """The conversation with the server broke off."""

    def __init__(self, host: str, error: Exception) -> None:
        self._text = f"{host}: {error or type(error).__name__}"
        self._kind = type(error).__name__

    def refusal(self, *, begun: bool) -> CallerError:
        if self._kind in ("ReadTimeout", "WriteTimeout"):
            return refusals.timed_out(f"The model's server said nothing for too long: {self._text}")
        if self._kind in ("ConnectError", "ConnectTimeout", "PoolTimeout") and not begun:
            return refusals.unavailable(f"The model's server cannot be reached: {self._text}")
        text = f"The connection to the model's server broke off: {self._text}"
        return refusals.stream_error(text) if begun else refusals.model_error(text)


def _refused(status: int, content: bytes) -> CallerError:
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        answer = content[:500].decode(errors="replace")
    error = answer.get("error", answer) if isinstance(answer, dict) else answer
    return refusal_of(error, status, begun=False)


def _path(request: GenerationRequest) -> str:
    return "/chat/completions" if request.prompt is None else "/completions"
