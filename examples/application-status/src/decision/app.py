"""Asks the deciding office. A stand-in: numbers that end in 6 are rejected, in 7 undecided, all others approved."""

import os
import time

SECONDS = float(os.environ.get("DECISION_SECONDS", "7"))


def handler(event, context):
    number = event["Details"]["Parameters"]["ApplicationNumber"]
    time.sleep(SECONDS)
    return {"decision": {"6": "rejected", "7": "undecided"}.get(number[-1:], "approved")}
