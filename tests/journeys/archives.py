"""Code packages for CreateFunction."""

import io
import zipfile


def zipped(**files: str) -> bytes:
    """A zip with `name.py` for each keyword."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
    return buffer.getvalue()


HANDLER = """
import json, os, sys, time

def handler(event, context):
    print("asked for", json.dumps(event))
    match event.get("do"):
        case "fail":
            raise ValueError("this is intentional")
        case "exit":
            os._exit(1)
        case "hang":
            time.sleep(30)
        case "flood":
            for _ in range(300_000):
                print("x" * 99)
            return "flooded"
        case "large":
            return "x" * 7_000_000
    return {"echo": event, "request_id": context.aws_request_id}
"""
