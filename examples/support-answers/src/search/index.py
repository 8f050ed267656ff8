"""The documents' passages and their vectors, in SQLite.

Made when it is first asked, or when the documents or the model are others: a file's name says of what it was made.
"""

import hashlib
import os
import pathlib
import sqlite3
from array import array

import embedding

DOCUMENTS = pathlib.Path(__file__).parent / "documents"
FOLDER = pathlib.Path(os.environ["INDEX_FOLDER"])


def nearest(question, count):
    """The `count` passages nearest to the question, nearest first."""
    asked = array("f", embedding.embed(question))
    with sqlite3.connect(_made()) as database:
        rows = database.execute("SELECT title, text, vector FROM passages").fetchall()
    found = [(sum(map(float.__mul__, asked, array("f", vector))), title, text) for title, text, vector in rows]
    found.sort(reverse=True)
    return [{"title": title, "text": text, "nearness": round(near, 3)} for near, title, text in found[:count]]


def _made():
    """The file of the index; whole or not there, whoever else makes it meanwhile."""
    passages = [passage for path in sorted(DOCUMENTS.glob("*.md")) for passage in _passages(path.read_text())]
    digest = hashlib.sha256(repr((embedding.MODEL, passages)).encode()).hexdigest()[:16]
    path = FOLDER / f"{digest}.sqlite"
    if path.exists():
        return path
    FOLDER.mkdir(parents=True, exist_ok=True)
    new = FOLDER / f"{digest}.{os.getpid()}.new"
    with sqlite3.connect(new) as database:
        database.execute("CREATE TABLE passages (title TEXT, text TEXT, vector BLOB)")
        database.executemany(
            "INSERT INTO passages VALUES (?, ?, ?)",
            [(title, text, array("f", embedding.embed(f"{title}\n{text}")).tobytes()) for title, text in passages],
        )
    database.close()
    new.replace(path)
    print(f"{len(passages)} passages embedded by {embedding.MODEL}")
    return path


def _passages(document):
    """Each heading with the text below it."""
    for part in document.split("\n## ")[1:]:
        title, _, text = part.partition("\n")
        yield title.strip(), " ".join(text.split())
