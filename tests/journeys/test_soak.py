"""A short soak: mixed handlers, real processes, a few kills. The full one is `make soak`."""

from pathlib import Path

import pytest

from tests.soak.driver import Soak, soak

pytestmark = pytest.mark.process


@pytest.mark.timeout(180)  # three starts of a server, on a machine that may have other work
async def test_nothing_is_lost_and_every_failed_event_lies_in_its_dead_letter_queue(tmp_path: Path) -> None:
    lines: list[str] = []
    verdict = await soak(Soak(seed=7, events=120, kills=2, folder=tmp_path), lines.append)
    assert not verdict.problems, "\n".join([*lines, *verdict.problems])
    assert verdict.counts["acknowledged"] == 120
