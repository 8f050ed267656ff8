"""Looks an application up in the register. A stand-in: numbers that end in 9 are not in it."""

import os
import time

SECONDS = float(os.environ.get("REGISTER_SECONDS", "2"))


def handler(event, context):
    number = event["Details"]["Parameters"]["ApplicationNumber"]
    time.sleep(SECONDS)
    found = not number.endswith("9")
    return {"found": "yes" if found else "no", "title": f"a garage, number {' '.join(number)}" if found else ""}
