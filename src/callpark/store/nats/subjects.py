"""Which subject holds what. Pure; called by everything that reads or writes the stream.

One stream per namespace; each subject keeps its last message only:

    callpark.<namespace>.i.<queue>.<id>        an item that is written down: what all nodes follow
    callpark.<namespace>.r.<table>.<key>       a row; a `/` in the key parts tokens, so that prefixes can be asked for
    callpark.<namespace>.m.<node>              a member: who holds the items that name it
    callpark.<namespace>.w.<queue>.<node>      a node that serves the queue no more has withdrawn from it
    callpark.<namespace>.j.<holder>.<n>        a record of a node's journal: of what it put and holds
    callpark.<namespace>.o.<holder>            that this journal is open; what all nodes follow
    callpark.<namespace>.p.<n>.<i|r>.…         the n-th part of a value that is too large for one message
    callpark.<namespace>.k.<node>              a mark that a node has stored, followed by that node
    callpark.<namespace>.b.<n>                 the n-th piece of ballast; the first says whether it is on board

Topics (`callpark.<namespace>.t.<topic>`) are outside the stream: nothing keeps them.
"""

import re
from collections.abc import Iterable

from callpark.kernel.errors import ProjectError

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPE = re.compile(rb"[^A-Za-z0-9_-]")
_ESCAPED = re.compile(rb"=([0-9A-F]{2})")
_NAMESPACE = re.compile(r"[A-Za-z0-9_-]{1,64}")


def token(text: str) -> str:
    """Any text as one token of a subject."""
    if _PLAIN.fullmatch(text):
        return text
    if not text:
        return "="
    return _ESCAPE.sub(lambda found: b"=%02X" % found[0][0], text.encode("utf-8", "surrogatepass")).decode("ascii")


def text(spelled: str) -> str:
    """What `token` was given."""
    if "=" not in spelled:
        return spelled
    if spelled == "=":
        return ""
    unescaped = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), spelled.encode("ascii"))
    return unescaped.decode("utf-8", "surrogatepass")


class Subjects:
    """The subjects of one namespace."""

    def __init__(self, namespace: str) -> None:
        """Raises ProjectError for a name that no stream can have."""
        if not _NAMESPACE.fullmatch(namespace):
            raise ProjectError(
                f"{namespace!r} is no name for a store",
                "use up to 64 letters, digits, hyphens and underscores behind the servers: nats://host:4222/name",
            )
        self.stream = f"callpark_{namespace}"
        self.bucket = f"callpark_{namespace}_blobs"
        self._root = root = f"callpark.{namespace}"
        self._items, self._rows = f"{root}.i.", f"{root}.r."
        self._parts, self._members, self._topics = f"{root}.p.", f"{root}.m.", f"{root}.t."
        self._withdrawals, self._ballast = f"{root}.w.", f"{root}.b."
        self._journals, self._openings, self._marks = f"{root}.j.", f"{root}.o.", f"{root}.k."

    def kept(self) -> list[str]:
        """What belongs to the stream."""
        values = (self._items, self._rows, self._parts, self._journals)
        signs = (self._members, self._withdrawals, self._openings, self._marks, self._ballast)
        return [f"{start}>" for start in (*values, *signs)]

    def followed(self, node: str, tables: Iterable[str]) -> list[str]:
        """What a node hears of: items, who holds them, open journals, its marks, whether there is space, rows of some
        tables."""
        kinds = (self._items, self._members, self._withdrawals, self._openings)
        rows = (f"{self._rows}{token(table)}.>" for table in tables)
        return [*(f"{start}>" for start in kinds), self.mark(node), self.ballast(0), *rows]

    def item(self, queue: str, item_id: str) -> str:
        return f"{self._items}{token(queue)}.{token(item_id)}"

    def row(self, table: str, key: str) -> str:
        return f"{self._rows}{token(table)}.{'.'.join(map(token, key.split('/')))}"

    def rows(self, table: str, prefix: str) -> str:
        """All rows whose keys begin with `prefix`, and perhaps others: those up to its last `/` are asked for."""
        tokens = [token(part) for part in prefix.split("/")[:-1]]
        return f"{self._rows}{'.'.join([token(table), *tokens])}.>"

    def member(self, node: str) -> str:
        return f"{self._members}{token(node)}"

    def withdrawal(self, queue: str, node: str) -> str:
        return f"{self._withdrawals}{token(queue)}.{token(node)}"

    def record(self, holder: str, number: int) -> str:
        return f"{self._journals}{holder}.{number}"

    def fence(self, holder: str) -> str:
        """Behind it nothing more is written into the journal."""
        return f"{self._journals}{holder}.fence"

    def journal(self, holder: str) -> str:
        """All records of a journal, and its fence."""
        return f"{self._journals}{holder}.>"

    @property
    def journals(self) -> str:
        return f"{self._journals}>"

    def journal_of(self, subject: str) -> str:
        return subject[len(self._journals) :].partition(".")[0]

    def opening(self, holder: str) -> str:
        return f"{self._openings}{holder}"

    def is_opening(self, subject: str) -> bool:
        return subject.startswith(self._openings)

    def opening_of(self, subject: str) -> str:
        return subject[len(self._openings) :]

    def mark(self, node: str) -> str:
        return f"{self._marks}{token(node)}"

    def is_mark(self, subject: str) -> bool:
        return subject.startswith(self._marks)

    def ballast(self, number: int) -> str:
        return f"{self._ballast}{number}"

    def topic(self, topic: str) -> str:
        return f"{self._topics}{token(topic)}"

    @property
    def topic_pattern(self) -> str:
        return f"{self._topics}>"

    def topic_of(self, subject: str) -> str:
        return text(subject[len(self._topics) :])

    def part(self, subject: str, number: int) -> str:
        return f"{self._parts}{number}.{subject[len(self._root) + 1 :]}"

    def is_item(self, subject: str) -> bool:
        return subject.startswith(self._items)

    def is_member(self, subject: str) -> bool:
        return subject.startswith(self._members)

    def is_ballast(self, subject: str) -> bool:
        return subject.startswith(self._ballast)

    def is_row(self, subject: str) -> bool:
        return subject.startswith(self._rows)

    def queue_withdrawn_from(self, subject: str) -> str:
        return text(subject[len(self._withdrawals) :].partition(".")[0])

    def item_of(self, subject: str) -> tuple[str, str]:
        """(queue, id)"""
        queue, _, item_id = subject[len(self._items) :].partition(".")
        return text(queue), text(item_id)

    def row_of(self, subject: str) -> tuple[str, str]:
        """(table, key)"""
        table, *key = subject[len(self._rows) :].split(".")
        return text(table), "/".join(map(text, key))

    def member_of(self, subject: str) -> str:
        return text(subject[len(self._members) :])
