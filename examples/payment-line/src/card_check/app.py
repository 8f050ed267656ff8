"""Asks the card's bank whether it will pay.

A stand-in: it takes as long as a bank takes, then decides by the last digits. 0000 is declined.
"""

import os
import time

SECONDS = float(os.environ.get("CARD_CHECK_SECONDS", "4"))


def handler(event, context):
    digits = event["Details"]["Parameters"]["CardDigits"]
    time.sleep(SECONDS)
    status = "declined" if digits.endswith("0000") else "accepted"
    print(f"card ending {digits[-4:]}: {status}")
    return {"status": status, "lastFour": digits[-4:]}
