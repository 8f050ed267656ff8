"""Counts what an applicant has sent. A stand-in: of numbers that end in 5 the site plan is missing."""

import os
import time

SECONDS = float(os.environ.get("DOCUMENTS_SECONDS", "5"))


def handler(event, context):
    number = event["Details"]["Parameters"]["ApplicationNumber"]
    time.sleep(SECONDS)
    missing = "the site plan" if number.endswith("5") else ""
    return {"complete": "no" if missing else "yes", "missing": missing}
