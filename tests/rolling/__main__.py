"""`python -m tests.rolling`: records of every kind what this version writes, unless an earlier one's is there.

What has been recorded stays as it is: later versions have to read it. A kind that gained fields is recorded again under
the version that gained them (`python -m tests.rolling --again KIND`).
"""

import base64
import json
import sys
from importlib.metadata import version
from pathlib import Path

from tests.rolling.kinds import kinds
from tests.rolling.samples import encoded, samples

RECORDED = Path(__file__).with_name("recorded.json")


def recorded() -> dict[str, dict[str, list[bytes]]]:
    """Version → kind → what it wrote."""
    text = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    return {
        release: {kind: [base64.b64decode(each) for each in written] for kind, written in of_release.items()}
        for release, of_release in text.items()
    }


def record(again: set[str]) -> list[str]:
    """Returns the kinds that were recorded."""
    found, new = recorded(), []
    known = {kind for of_release in found.values() for kind in of_release}
    for name, kind in kinds().items():
        if name not in known or name in again:
            written = [encoded(sample, kind.format) for sample in samples(kind.type)]
            found.setdefault(version("callpark"), {})[name] = written
            new.append(name)
    text = {
        release: {kind: [base64.b64encode(each).decode() for each in written] for kind, written in sorted(each.items())}
        for release, each in found.items()
    }
    RECORDED.write_text(json.dumps(text, indent=1) + "\n")
    return new


if __name__ == "__main__":
    print("\n".join(record(set(sys.argv[2:] if sys.argv[1:2] == ["--again"] else ()))))
