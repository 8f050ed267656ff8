"""Ctrl-C before a command's event loop runs."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from callpark.cli import exits, interrupts

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interrupts.abrupt()
    interrupts.orderly()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_the_event_loop_finds_python_s_own_handler() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupts.abrupt()
    assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    interrupts.orderly()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nothing_on_the_way_can_lose_it() -> None:
    """An exception in a finaliser is printed and forgotten; this is none."""
    script = """
import os, signal
from callpark.cli import interrupts

class Finalised:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
interrupts.abrupt()
Finalised()
print("went on")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (exits.INTERRUPTED, "", "")
