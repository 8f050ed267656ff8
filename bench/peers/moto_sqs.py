"""moto's server as a peer for queues: in memory, nothing is durable. Measured where it is installed; no dependency."""

import time
from typing import Any

import boto3


def sends_per_second(count: int) -> float:
    """SendMessage of one raw connection against moto's threaded server, in this process."""
    import http.client
    import json
    import logging
    from importlib import import_module

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server: Any = import_module("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        credentials = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench", "region_name": "us-east-1"}
        url = boto3.client("sqs", endpoint_url=f"http://{host}:{port}", **credentials).create_queue(QueueName="bench")
        body = json.dumps({"QueueUrl": url["QueueUrl"], "MessageBody": "x" * 200})
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AmazonSQS.SendMessage",
            "Authorization": "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/sqs/aws4_request",
        }
        connection = http.client.HTTPConnection(host, port)
        begun = time.perf_counter()
        for _ in range(count):
            connection.request("POST", "/", body, headers)
            connection.getresponse().read()
        return count / (time.perf_counter() - begun)
    finally:
        server.stop()
