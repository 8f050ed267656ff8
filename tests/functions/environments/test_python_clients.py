"""Handlers in forked processes, with our client of the Runtime API, and in processes that bring AWS's own, unmodified:
they see the same and are seen the same."""

import json
import sys

import pytest

from callpark.functions.environments.ports import Attempt, Outcome
from tests.functions.environments.conftest import Bench

pytestmark = pytest.mark.process


class Player:
    """Runs a function for these attempts, one after another."""

    def __init__(self, bench: Bench, bootstrap: str | None) -> None:
        self.bench = bench
        self.bootstrap = bootstrap

    async def __call__(self, source: str, *attempts: Attempt, limits: tuple[str, ...] = ()) -> list[Outcome]:
        function = self.bench.deploy(source)
        if self.bootstrap is not None:
            bootstrap = function.code_root / "bootstrap"
            bootstrap.write_text(self.bootstrap)
            bootstrap.chmod(0o755)
            function = self.bench.deploy(source, runtime="provided.al2023")
        fleet = self.bench.fleet(*limits)
        return [await fleet.run(function, attempt) for attempt in attempts]


FORKED, AWSS = None, f'#!/bin/sh\nexec {sys.executable} -m awslambdaric "$_HANDLER"\n'


@pytest.fixture(params=[FORKED, AWSS], ids=["forked", "AWS's own"])
def play(bench: Bench, request: pytest.FixtureRequest) -> Player:
    return Player(bench, request.param)


def attempt(
    payload: bytes = b"{}",
    request_id: str = "id-1",
    client_context: str | None = None,
    trace_header: str | None = None,
) -> Attempt:
    return Attempt(
        request_id,
        payload,
        "arn:aws:lambda:us-east-1:123456789012:function:F:live",
        client_context=client_context,
        trace_header=trace_header,
    )


@pytest.mark.parametrize(("bootstrap", "client"), [(FORKED, "method"), (AWSS, "builtin_function_or_method")])
async def test_which_client_it_is(bench: Bench, bootstrap: str | None, client: str) -> None:
    source = "import runtime_client\ndef handler(e, c): return type(runtime_client.next).__name__"
    [outcome] = await Player(bench, bootstrap)(source, attempt())
    assert json.loads(outcome.payload) == client


async def test_what_comes_with_an_event(play: Player) -> None:
    source = """
        import os
        def handler(event, context):
            client = context.client_context
            return [event, context.aws_request_id, context.invoked_function_arn, client and client.custom["k"],
                    os.environ.get("_X_AMZN_TRACE_ID"), 8_000 < context.get_remaining_time_in_millis() <= 10_000]
        """
    context = json.dumps({"custom": {"k": "é☎"}}, ensure_ascii=False)
    outcomes = await play(
        source,
        attempt('"né"'.encode(), client_context=context, trace_header="Root=1-é"),
        attempt(request_id="id-2"),
    )
    arn = "arn:aws:lambda:us-east-1:123456789012:function:F:live"
    first, second = (json.loads(outcome.payload) for outcome in outcomes)
    assert first == ["né", "id-1", arn, "é☎", "Root=1-é", True]
    assert second == [{}, "id-2", arn, None, None, True]


async def test_answers_of_all_sizes_one_after_another(play: Player) -> None:
    source = "def handler(e, c):\n    return 'x' * (e['n'] - 2) if e['n'] else len(e['pad'])"
    sizes = (2, 16_000, 16_300, 16_384, 70_000, 6_291_556, 4)
    events = [attempt(b'{"n": %d}' % size) for size in sizes]
    pads = (10, 16_384, 3_000_000)
    events += [attempt(b'{"n": 0, "pad": "' + b"y" * pad + b'"}') for pad in pads]
    outcomes = await play(source, *events)
    assert [outcome.function_error for outcome in outcomes] == [None] * 10
    assert [len(outcome.payload) for outcome in outcomes[:7]] == list(sizes)
    assert [json.loads(outcome.payload) for outcome in outcomes[7:]] == list(pads)


async def test_errors_between_answers(play: Player) -> None:
    source = """
        import sys
        def handler(event, context):
            if event == "bytes": return b"raw"
            if event == "exit": sys.exit(3)
            if event == "raise": raise KeyError("né" * 20_000)
            return event
        """
    events = ("one", "raise", "two", "exit", "three", "bytes")
    outcomes = await play(source, *(attempt(json.dumps(event).encode(), request_id=event) for event in events))
    assert [outcome.payload for outcome in (outcomes[0], outcomes[2], outcomes[4])] == [b'"one"', b'"two"', b'"three"']
    raised, left = json.loads(outcomes[1].payload), json.loads(outcomes[3].payload)
    assert (raised["errorType"], raised["requestId"], len(raised["errorMessage"])) == ("KeyError", "raise", 40_002)
    assert (left["errorType"], outcomes[3].function_error) == ("Runtime.ExitError", "Unhandled")
    assert outcomes[5].payload == b"raw"


@pytest.mark.parametrize("size", [2_000, 20_000])
async def test_an_answer_that_is_too_large_costs_the_process_and_no_other_event(play: Player, size: int) -> None:
    source = "import os\ndef handler(e, c):\n    return 'x' * e + str(os.getpid())"
    outcomes = await play(
        source, attempt(b"1"), attempt(b"%d" % size), attempt(b"1"), limits=("response_payload_bytes=1000",)
    )
    assert json.loads(outcomes[1].payload)["errorType"] == "Function.ResponseSizeTooLarge"
    assert outcomes[2].function_error is None
    assert outcomes[0].payload != outcomes[2].payload
    assert "LAMBDA_RUNTIME Failed to post handler success response. Http response code: 413." in play.bench.log()


async def test_what_handlers_do_to_sockets_threads_and_processes_does_not_reach_the_client(play: Player) -> None:
    source = """
        import multiprocessing, os, socket, threading
        socket.setdefaulttimeout(0.001)
        socket.socket.sendall = socket.socket.recv = socket.socket.connect = None
        beats = []
        def beat():
            while True: beats.append(sum(range(1_000)))
        threading.Thread(target=beat, daemon=True).start()
        def work(pipe):
            pipe.send(os.getpid())
            pipe.close()
        def handler(event, context):
            ours, theirs = multiprocessing.get_context("fork").Pipe()
            child = multiprocessing.get_context("fork").Process(target=work, args=(theirs,))
            child.start()
            found = ours.recv()
            child.join()
            return [found == child.pid, child.exitcode, bool(beats)]
        """
    outcomes = await play(source, attempt(), attempt(), attempt())
    assert [json.loads(outcome.payload) for outcome in outcomes] == [[True, 0, True]] * 3
