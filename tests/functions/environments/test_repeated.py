"""Requests that read like earlier ones are answered as if they had been parsed."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callpark.functions.environments.repeated import Repeated
from callpark.functions.environments.runtime_api import Answer, Delivery, RuntimeSession
from callpark.functions.environments.runtime_http import RuntimeConnection
from callpark.functions.environments.streams import Collected, Sink

pytestmark = pytest.mark.unit

LIMIT = 120
PATH = b"/2018-06-01/runtime/invocation/"
NEXT = b"GET " + PATH + b"next HTTP/1.1\r\nHost: x\r\nUser-Agent: aws\r\n\r\n"


def answer(request_id: bytes, invocation_id: bytes, body: bytes, length: int, more: bytes = b"") -> bytes:
    head = b"POST " + PATH + request_id + b"/response HTTP/1.1\r\nHost: x\r\ncontent-type: text/x\r\n" + more
    head += b"lambda-runtime-invocation-id: " + invocation_id
    return head + b"\r\ncontent-length: %d\r\n\r\n" % length + body


def test_the_like_of_a_learnt_answer_is_recognised_and_nothing_else() -> None:
    repeated = Repeated()
    assert repeated.answer(answer(b"r-1", b"i-1", b"null", 4), "r-1", "i-1") is None
    repeated.learn_answer(answer(b"r-1", b"i-1", b"null", 4), "r-1", "i-1", "text/x")
    assert repeated.knows_answer
    assert repeated.content_type == "text/x"
    assert repeated.answer(answer(b"other", b"i-22", b"12345", 5), "other", "i-22") == (b"12345", False)
    assert repeated.answer(answer(b"other", b"i-22", b"12345", 5) + NEXT, "other", "i-22") is None
    repeated.learn_next(NEXT)
    assert repeated.answer(answer(b"other", b"i-22", b"12345", 5) + NEXT, "other", "i-22") == (b"12345", True)
    assert repeated.answer(answer(b"other", b"i-22", NEXT, len(NEXT)), "other", "i-22") == (NEXT, False)
    for wrong in (
        answer(b"other", b"i-22", b"1234", 5),
        answer(b"other", b"i-22", b"123456", 5),
        answer(b"other", b"i-23", b"12345", 5),
        answer(b"r-1", b"i-22", b"12345", 5),
        answer(b"other", b"i-22", b"12345", 5, b"X-More: 1\r\n"),
        answer(b"other", b"i-22", b"12345", 5)[:-7],
        answer(b"other", b"i-22", b"12345", 5) + NEXT[:-1],
        answer(b"other", b"i-22", b"12345", 5) + NEXT + NEXT,
        answer(b"other", b"i-22", b"12345" + NEXT, 6),
        answer(b"other", b"i-22", b"", -1),
        answer(b"other", b"i-22", b"", 0)[:-5] + b"9" * 5_000 + b"\r\n\r\n",
        b"",
    ):
        assert repeated.answer(wrong, "other", "i-22") is None


def test_only_a_next_that_is_known_is_found_behind_something() -> None:
    repeated = Repeated()
    assert repeated.before_next(b"abc" + NEXT) == b""
    repeated.learn_next(NEXT)
    assert repeated.before_next(b"abc" + NEXT) == b"abc"
    assert repeated.before_next(NEXT) == b""
    assert repeated.before_next(NEXT + b"abc") == b""


@pytest.mark.parametrize(
    "more", [b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Content-Length: 4\r\n"]
)
def test_what_is_out_of_the_ordinary_is_not_learnt(more: bytes) -> None:
    repeated = Repeated()
    repeated.learn_answer(answer(b"r", b"i", b"null", 4, more), "r", "i", "text/x")
    assert not repeated.knows_answer


class Wire:
    """Where a connection writes, and what its listener is told."""

    def __init__(self) -> None:
        self.log: list[object] = []

    def write(self, data: bytes) -> None:
        self.log.append(bytes(data))

    def close(self) -> None:
        self.log.append("closed")

    abort = close

    def is_closing(self) -> bool:
        return "closed" in self.log

    def runtime_ready(self) -> None:
        self.log.append("ready")

    def handed_out(self) -> None:
        self.log.append("handed out")

    def responding(self, content_type: str, resume: Callable[[], None]) -> Sink:
        return Collected(LIMIT)

    def answered(self, given: Answer) -> None:
        self.log.append(given)

    def init_failed(self, payload: bytes, error_type: str | None) -> None:
        self.log.append(payload)


class Never(Repeated):
    """Learns nothing, so that everything is parsed."""

    def learn_next(self, request: bytes) -> None: ...

    def learn_answer(self, request: bytes, request_id: str, invocation_id: str, content_type: str) -> None: ...


class Runtime:
    """A session with one connection, fed with bytes."""

    def __init__(self, repeated: Repeated) -> None:
        self.wire = Wire()
        self.session = RuntimeSession(self.wire, LIMIT)
        self.connection = RuntimeConnection(self.session)
        self.connection._repeated = repeated
        self.connection.connection_made(self.wire)  # type: ignore[arg-type]

    def said(self) -> bytes:
        """What it wrote, with what it will say before anything else."""
        return b"".join(entry for entry in self.wire.log if isinstance(entry, bytes)) + self.connection._owed

    def heard(self) -> list[object]:
        return [entry for entry in self.wire.log if not isinstance(entry, bytes)]

    def play(self, number: int, step: tuple[str, int]) -> None:
        kind, detail = step
        request_id, invocation_id = f"request-{number}", f"invocation-{number}"
        if kind == "offer":
            if self.session.handed is None:
                self.session.offer(Delivery(request_id, invocation_id, b"{}", "arn", 5, None, None))
            return
        current = self.session.handed
        ids = (request_id, invocation_id) if current is None else (current.request_id, current.invocation_id)
        body = b"x" * (detail % (LIMIT + 10))
        own, invocation = (text.encode() for text in ids)
        data = {
            "next": NEXT,
            "answer": answer(own, invocation, body, len(body)),
            "stale": answer(own, b"invocation-of-old", body, len(body)),
            "naming": answer(own, invocation, own, len(own)),
            "other": answer(own, invocation, body, len(body), b"X-Other: %d\r\n" % detail),
            "short": answer(own, invocation, body, len(body) + 3),
            "both": answer(own, invocation, body, len(body)) + NEXT,
            "deceptive": answer(own, invocation, NEXT, len(NEXT)),
            "ending": answer(own, invocation, body, len(body), b"Connection: close\r\n"),
        }[kind]
        cut = detail % (2 * len(data))
        for piece in (data[:cut], data[cut:]):
            if piece and not self.wire.is_closing():
                self.connection.data_received(piece)


kinds = st.sampled_from(["next", "answer", "answer", "stale", "naming", "other", "short", "both", "both", "ending"])
kinds |= st.just("deceptive")
steps = st.lists(
    st.one_of(st.just(("offer", 0)), st.just(("next", len(NEXT))), st.tuples(kinds, st.integers(0, 1_000))),
    max_size=30,
)


@given(steps)
def test_whatever_comes_the_answers_are_those_of_the_parser(steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        quick, thorough = Runtime(Repeated()), Runtime(Never())
        for number, step in enumerate(steps):
            for runtime in (quick, thorough):
                if not runtime.wire.is_closing():
                    runtime.play(number, step)
        assert quick.said() == thorough.said()
        assert quick.heard() == thorough.heard()

    asyncio.run(play())


async def test_the_second_answer_of_a_connection_is_not_parsed() -> None:
    runtime = Runtime(Repeated())
    for number in range(3):
        runtime.session.offer(Delivery(f"r{number}", f"i{number}", b"{}", "arn", 5, None, None))
        runtime.connection.data_received(NEXT)
        runtime.connection.data_received(answer(b"r%d" % number, b"i%d" % number, b"null", 4))
    assert [given.payload for given in runtime.wire.log if isinstance(given, Answer)] == [b"null"] * 3
    assert runtime.connection._begun == 2  # of six requests


async def test_nor_is_one_with_a_next_behind_it() -> None:
    runtime = Runtime(Repeated())
    runtime.session.offer(Delivery("r0", "i0", b"{}", "arn", 5, None, None))
    runtime.connection.data_received(NEXT)
    for number in range(3):
        runtime.connection.data_received(answer(b"r%d" % number, b"i%d" % number, b"null", 4) + NEXT)
        runtime.session.offer(Delivery(f"r{number + 1}", f"i{number + 1}", b"{}", "arn", 5, None, None))
    assert [given.payload for given in runtime.wire.log if isinstance(given, Answer)] == [b"null"] * 3
    assert runtime.wire.log.count("handed out") == 4
    said = [entry.count(b"HTTP/1.1 ") for entry in runtime.wire.log if isinstance(entry, bytes)]
    assert said == [1, 1, 1, 2, 2]  # an event, the parsed answer's 202, then each 202 together with the next event
    assert runtime.connection._begun == 3  # of seven requests: the first answer with its `next`


@pytest.mark.parametrize("repeated", [Repeated, Never])
async def test_behind_an_answer_that_is_refused_nothing_is_heard(repeated: type[Repeated]) -> None:
    runtime = Runtime(repeated())
    runtime.session.offer(Delivery("r", "i", b"{}", "arn", 5, None, None))
    runtime.connection.data_received(NEXT)
    runtime.connection.data_received(answer(b"r", b"i", b"x" * (LIMIT + 1), LIMIT + 1) + NEXT)
    written = [entry for entry in runtime.wire.log if isinstance(entry, bytes)]
    assert written[-1].startswith(b"HTTP/1.1 413 ")
    assert runtime.wire.log[-1] == "closed"
    assert runtime.wire.log.count("ready") == 0
