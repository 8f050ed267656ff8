"""The function of work.json: takes as long as it is told to, and says so."""

import time


def lambda_handler(event: dict[str, dict[str, dict[str, str]]], context: object) -> dict[str, str]:
    seconds = float(event["Details"]["Parameters"]["Seconds"])
    print("works for", seconds)
    time.sleep(seconds)
    return {"took": f"{seconds:g}"}
