"""What an agent types, and what of it is about which contact."""

import pytest

from callpark.cli.agent_commands import Command, Help, Problem, Quit, Show, Use, Wait, meant, read_command
from callpark.flows.agents import orders

pytestmark = pytest.mark.unit

ONE = {"c-1": "connected"}


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", None),
        ("  # a remark", None),
        ("hold", orders.Hold("c-1")),
        ("  resume  ", orders.Resume("c-1")),
        ("hangup", orders.HangUp("c-1")),
        ("say Good   morning", orders.Say("c-1", "Good   morning")),
        ("transfer To billing", orders.Transfer("c-1", "To billing")),
        ("available", orders.SetStatus("Available")),
        ("away", orders.SetStatus("Away")),
        ("status Long lunch", orders.SetStatus("Long lunch")),
        ("wait offered", Wait("offered")),
        ("use 2", Use("2")),
        ("contacts", Show()),
        ("help", Help()),
        ("quit", Quit()),
        ("say", Problem("say what?")),
        ("transfer", Problem("transfer to whom?")),
        ("status", Problem("status what?")),
        ("Hello?", Problem("'Hello?' is no command")),
    ],
)
def test_a_line(line: str, command: Command) -> None:
    assert read_command(line, ONE, "c-1") == command


def test_what_can_be_waited_for_is_said() -> None:
    problem = read_command("wait doomsday", ONE, "c-1")
    assert isinstance(problem, Problem)
    assert "connected, heard, held, left, offer_over, offered" in problem.cause


def test_without_a_contact() -> None:
    assert read_command("hold", {}, "") == Problem("hold: there is no contact")


SOME = {"old": "left", "talk": "held", "ring 1": "offered", "ring 2": "offered", "late": "missed"}


@pytest.mark.parametrize(
    ("word", "current", "about"),
    [
        ("accept", "talk", "ring 1"),
        ("accept", "ring 2", "ring 2"),
        ("reject", "talk", "ring 1"),
        ("say", "talk", "talk"),
        ("hangup", "ring 1", "talk"),
        ("clear", "talk", "late"),
        ("clear", "old", "old"),
    ],
)
def test_which_contact_is_meant(word: str, current: str, about: str) -> None:
    assert meant(word, SOME, current) == about


def test_when_none_fits_the_current_one_is_meant_and_the_server_refuses() -> None:
    assert meant("accept", ONE, "c-1") == "c-1"
