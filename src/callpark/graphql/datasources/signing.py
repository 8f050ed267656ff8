"""SigV4 on an outgoing request, with botocore. Used by the HTTP and OpenSearch data sources.

The keys are those of the environment (`AWS_ACCESS_KEY_ID`, …), else ones that mean nothing: enough for this server and
for emulators, which read a signature's scope and do not verify it.
"""

import os

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from callpark.graphql.datasources.port import HttpRequest
from callpark.graphql.model import Signing


def signed(request: HttpRequest, scope: Signing) -> HttpRequest:
    keys = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    token = os.environ.get("AWS_SESSION_TOKEN") if all(keys) else None
    credentials = Credentials(keys[0] or "callpark", keys[1] or "callpark", token)
    prepared = AWSRequest(request.method, request.url, dict(request.headers), request.body)
    SigV4Auth(credentials, scope.service, scope.region).add_auth(prepared)
    return HttpRequest(request.method, request.url, dict(prepared.headers.items()), request.body)
