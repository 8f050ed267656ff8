"""Finds a customer by number. A stand-in: it takes as long as a CRM takes; numbers that end in 9 are nobody's."""

import os
import time

SECONDS = float(os.environ.get("FIND_CUSTOMER_SECONDS", "2.5"))


def handler(event, context):
    number = event["Details"]["Parameters"]["CustomerNumber"]
    time.sleep(SECONDS)
    found = not number.endswith("9")
    print(f"customer {number}: {'found' if found else 'unknown'}")
    return {"found": "yes" if found else "no", "customerId": f"C-{number}" if found else ""}
