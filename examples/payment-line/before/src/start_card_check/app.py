"""Takes the order for a card check, answers with its number at once, and leaves it to be asked for.

A card check may take longer than the 8 seconds that a flow waits for a function, so it runs behind the flow's back and
leaves its result in a data store. Here the store is a folder, and the job carries the time at which it will be ready.
"""

import json
import os
import pathlib
import time
import uuid

JOBS = pathlib.Path(os.environ["JOBS_FOLDER"])
SECONDS = float(os.environ.get("CARD_CHECK_SECONDS", "4"))


def handler(event, context):
    digits = event["Details"]["Parameters"]["CardDigits"]
    job_id = str(uuid.uuid4())
    status = "declined" if digits.endswith("0000") else "accepted"
    JOBS.mkdir(parents=True, exist_ok=True)
    (JOBS / job_id).write_text(json.dumps({"readyAt": time.time() + SECONDS, "status": status}))
    print(f"job {job_id} started")
    return {"jobId": job_id}
