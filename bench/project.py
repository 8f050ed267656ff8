"""The project that benchmarks serve: a function that does nothing, one that never ends."""

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

HANDLER = """
import time

def nothing(event, context):
    return None

def forever(event, context):
    time.sleep(900)
"""

WITH_BOTO3 = """
import boto3

def nothing(event, context):
    return None
"""


@contextlib.contextmanager
def project() -> Iterator[Path]:
    """A folder with a template: functions Nothing, WithBoto3, and Forever, which runs one event at a time."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "src").mkdir()
        (folder / "sdk").mkdir()
        (folder / "src" / "app.py").write_text(HANDLER)
        (folder / "sdk" / "app.py").write_text(WITH_BOTO3)
        resources = {
            "Nothing": function("Nothing", "src", "app.nothing"),
            "WithBoto3": function("WithBoto3", "sdk", "app.nothing"),
            "Forever": function("Forever", "src", "app.forever", ReservedConcurrentExecutions=1, Timeout=900),
        }
        (folder / "template.json").write_text(json.dumps({"Resources": resources}))
        yield folder


def function(name: str, folder: str, handler: str, **more: object) -> dict[str, object]:
    properties = {
        "FunctionName": name,
        "Runtime": "python3.11",
        "Handler": handler,
        "Role": "arn:aws:iam::123456789012:role/bench",
        "Code": folder,
        **more,
    }
    return {"Type": "AWS::Lambda::Function", "Properties": properties}
