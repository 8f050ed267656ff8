"""Another team's service: which parcels of a customer are on their way. A stand-in behind a function URL."""

import json

PARCELS = {
    "C-1": [{"number": "P-701", "status": "on its way", "expected": "2026-12-02"}],
    "C-2": [
        {"number": "P-702", "status": "waiting at the depot", "expected": None},
        {"number": "P-703", "status": "delivered", "expected": "2026-11-20"},
    ],
}


def handler(event, context):
    customer = (event.get("queryStringParameters") or {}).get("customer", "")
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(PARCELS.get(customer, [])),
    }
