"""The collector of a serving process."""

import gc
import weakref

import pytest

from callpark.cli.collector import settle_collector

pytestmark = pytest.mark.unit


class Node:
    def __init__(self) -> None:
        self.itself = self


def test_what_was_there_is_left_alone_and_later_cycles_are_found() -> None:
    before, left_alone = gc.get_threshold(), gc.get_freeze_count()
    try:
        settle_collector()
        assert gc.get_freeze_count() > left_alone
        assert gc.get_threshold() == (*before[:2], 100)
        node = Node()
        gone = weakref.ref(node)
        del node
        gc.collect()
        assert gone() is None
    finally:
        gc.set_threshold(*before)
