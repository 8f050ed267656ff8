"""Where each action stands in a flow file: line and column, counted from 1. Pure.

A small reader of JSON that keeps positions and nothing else; it goes over the text once, without recursion. Called by
`callpark flow check`, whose findings name an action by its place in `Actions`.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping
from typing import NamedTuple

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')


class Position(NamedTuple):
    line: int
    column: int


def positions(text: str) -> Mapping[int, Position]:
    """The `{` of each action by its index. {} where the actions are not plain JSON (a wrapper's text, YAML)."""
    found: dict[int, Position] = {}
    lines = [0, *(match.end() for match in re.finditer("\n", text))]
    opened: list[str] = []
    actions_depth = 0
    key = last = ""
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in "{[":
            if token == "[" and key == '"Actions"' and not actions_depth and opened[-1:] == ["{"]:
                actions_depth = len(opened) + 1
            elif token == "{" and actions_depth and len(opened) == actions_depth:
                line = bisect_right(lines, match.start())
                found[len(found)] = Position(line, match.start() - lines[line - 1] + 1)
            opened.append(token)
            key = ""
        elif token in "}]":
            if opened:
                opened.pop()
            if actions_depth and len(opened) < actions_depth:
                return found
        elif token == ":":
            key = last
        elif token == ",":
            key = ""
        last = token
    return found


def located(text: str, flow: str, identifier: str) -> Position | None:
    """Where an Identifier is written, in JSON or YAML, inline or not: for files that are not a flow alone. The first
    after the flow's name: flows of a template may share identifiers."""
    pattern = re.compile(rf"Identifier\\?[\"']?\s*:\s*\\?[\"']?{re.escape(identifier)}(?![\w-])")
    named = re.search(rf"\bName[\"']?\s*:\s*[\"']?{re.escape(flow)}(?![\w-])", text)
    match = (pattern.search(text, named.end()) if named else None) or pattern.search(text)
    if match is None:
        return None
    return Position(text.count("\n", 0, match.start()) + 1, match.start() - text.rfind("\n", 0, match.start()))
