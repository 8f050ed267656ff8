"""Looks into the data store: is the card check done?"""

import json
import os
import pathlib
import time
import uuid

JOBS = pathlib.Path(os.environ["JOBS_FOLDER"])


def handler(event, context):
    job_id = str(uuid.UUID(event["Details"]["Parameters"]["JobId"]))
    path = JOBS / job_id
    job = json.loads(path.read_text())
    if time.time() < job["readyAt"]:
        print(f"job {job_id}: not yet")
        return {"status": "pending"}
    path.unlink()
    print(f"job {job_id}: {job['status']}")
    return {"status": job["status"]}
