"""Writes a customer's choice into the CRM.

A stand-in: it takes as long as an old CRM takes. Customers whose number ends in 8 are locked by somebody else. The
contact's id goes with the change: a retry of the same change is the same change.
"""

import hashlib
import os
import time

SECONDS = float(os.environ.get("UPDATE_CRM_SECONDS", "6"))
WAYS = {"1": "e-mail", "2": "text message", "3": "letter"}


def handler(event, context):
    details = event["Details"]
    customer, choice = details["Parameters"]["CustomerId"], details["Parameters"]["Choice"]
    change = f"{details['ContactData']['ContactId']}/{customer}/{choice}"
    time.sleep(SECONDS)
    if customer.endswith("8"):
        print(f"{customer} is locked")
        return {"status": "locked", "reference": ""}
    reference = hashlib.sha256(change.encode()).hexdigest()[:6].upper()
    print(f"{customer} wants {WAYS[choice]}: {reference}")
    return {"status": "written", "reference": " ".join(reference)}
