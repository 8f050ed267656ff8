"""Scores the payment for fraud.

A stand-in: it takes as long as a scoring service takes, then decides by the last digits. 6666 is suspicious.
"""

import os
import time

SECONDS = float(os.environ.get("FRAUD_SCORE_SECONDS", "3"))


def handler(event, context):
    parameters = event["Details"]["Parameters"]
    time.sleep(SECONDS)
    suspicious = parameters["CardDigits"].endswith("6666")
    score = 93 if suspicious else 12
    print(f"caller {parameters['CallerNumber']}: score {score}")
    return {"verdict": "high" if suspicious else "low", "score": score}
