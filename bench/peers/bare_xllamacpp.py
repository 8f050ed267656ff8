"""The same GGUF without us: xllamacpp called directly, a process of its own with the same slots, context and threads.

Run as a module it reads a prompt a line and answers a line: milliseconds to the first token, tokens a second after it.
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

TOKENS = 128


class Direct:
    """The process, loaded."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, prompt: str) -> tuple[float, float]:
        """(milliseconds to the first token, tokens a second after it)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(prompt) + "\n")
        self._process.stdin.flush()
        first, rate = json.loads(self._process.stdout.readline())
        return first, rate


@contextlib.contextmanager
def direct(weights: Path, at_once: int, context: int) -> Iterator[Direct]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.peers.bare_xllamacpp", str(weights), str(at_once), str(context)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Direct(process)
    finally:
        process.kill()
        process.wait()


def _main(weights: str, at_once: int, context: int) -> None:
    import xllamacpp

    from callpark.models.backends.local.llama import threads

    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.n_parallel = at_once
    parameters.n_ctx = context * at_once
    parameters.cpuparams.n_threads = threads()
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    print("ready", flush=True)
    for line in sys.stdin:
        times: list[float] = []

        def take(chunk: dict[str, list[dict[str, dict[str, str]]]], times: list[float] = times) -> None:
            if chunk.get("choices") and chunk["choices"][0]["delta"].get("content"):
                times.append(time.perf_counter())

        body = {"messages": [{"role": "user", "content": json.loads(line)}], "max_tokens": TOKENS, "temperature": 0}
        began = time.perf_counter()
        server.handle_chat_completions({**body, "stream": True}, take)
        print(json.dumps([(times[0] - began) * 1e3, (len(times) - 1) / (times[-1] - times[0])]), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
