"""Which service a request means that is not for us. Pure: from method, path, query and headers.

Called by `passing.py` before a body is read. In this order, as in `gateway/routing.py`: the credential scope of a
signature or a presigned URL, `X-Amz-Target`, the host name, and what only Amazon S3 has: a path `/bucket/key`.
"""

import re
from collections.abc import Callable, Collection, Mapping
from urllib.parse import parse_qs, unquote

import msgspec

from callpark.upstreams.models import service_model, service_names

_CREDENTIAL = re.compile(r"Credential=([^,\s]+)")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_DATE_OR_ACCOUNT = re.compile(r"\d{4}-\d\d-\d\d|\d{12}")
"""What our own paths begin with: an API's version, or the account of a queue's URL."""
_S3_HOST = re.compile(r"(?:(?P<bucket>.+)\.)?s3(?:[.-][a-z0-9.-]*)?\.(?:amazonaws\.com(?:\.cn)?|localhost[a-z.]*)")
_AWS_HOST = re.compile(r"(?P<service>[a-z0-9-]+)\.(?:[a-z0-9-]+\.)*(?:amazonaws\.com(?:\.cn)?|localhost[a-z.]*)")
_ACTION = re.compile(r"(?:^|&)Action=(\w+)")
_LOCAL_BUCKET = re.compile(r"(?P<bucket>.+)\.localhost")

#: botocore's names of the services whose signing name is another. Where several share one, the commonest.
_SERVICES: Mapping[str, str] = {
    "IoTSecuredTunneling": "iotsecuretunneling",
    "aoss": "opensearchserverless",
    "airflow": "mwaa",
    "aps": "amp",
    "awsssoportal": "sso",
    "cassandra": "keyspaces",
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "elasticmapreduce": "emr",
    "execute-api": "apigatewaymanagementapi",
    "geo": "location",
    "iotdata": "iot-data",
    "lex": "lexv2-runtime",
    "mobiletargeting": "pinpoint",
    "monitoring": "cloudwatch",
    "profile": "customer-profiles",
    "sms-voice": "pinpoint-sms-voice-v2",
    "sso-oauth": "sso-oidc",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
    "timestream": "timestream-query",
    "wisdom": "qconnect",
}
_SIGNING_NAMES: Mapping[str, str] = {
    **{service: name for name, service in _SERVICES.items()},
    "bedrock-runtime": "bedrock",
    "connectparticipant": "execute-api",
    "dynamodbstreams": "dynamodb",
    "elb": "elasticloadbalancing",
    "lex-runtime": "lex",
    "s3control": "s3",
    "sesv2": "ses",
}

#: Target prefixes of services whose clients need not sign, and of those that share a signing name.
_TARGETS: Mapping[str, str] = {
    "AWSCognitoIdentityProviderService": "cognito-idp",
    "AWSCognitoIdentityService": "cognito-identity",
    "AWSEvents": "events",
    "AWSStepFunctions": "stepfunctions",
    "AmazonSSM": "ssm",
    "DynamoDBStreams_20120810": "dynamodbstreams",
    "DynamoDB_20120810": "dynamodb",
    "Firehose_20150804": "firehose",
    "Kinesis_20131202": "kinesis",
    "TrentService": "kms",
    "secretsmanager": "secretsmanager",
}


class Front(msgspec.Struct, frozen=True):
    """A request without its body: `path` and `query` as sent, `headers` lower-case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]


def foreign_service(front: Front, ours: Collection[str], own_paths: Callable[[], Collection[str]]) -> str | None:
    """botocore's name of the service, or the signing name where there is none such; None for our own requests and for
    those that nobody knows. `own_paths` are the first segments of our REST operations' paths."""
    scope = credential_scope(front)
    target = _TARGETS.get(front.headers.get("x-amz-target", "").rpartition(".")[0])
    if scope is not None:
        _, name = scope
        if name in map(signing_name, ours):
            return None
        return target or _of_signing_name(name, front.path)
    if "x-amz-target" in front.headers:
        return target if target not in ours else None
    host = _by_host(front.headers.get("host", ""))
    if host is not None:
        return None if host in ours else host
    return "s3" if _is_unsigned_s3(front, own_paths) else None


def operation_name(service: str, front: Front, body: bytes) -> str | None:
    """botocore's name of the operation that a request asks for, if it can be told. `body` may be its beginning."""
    if target := front.headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    if action := _ACTION.search(f"{front.query}&{body.decode('latin-1')}"):
        return action[1]
    model = service_model(service)
    if model is None or not model.resolved_protocol.startswith("rest"):
        return None
    uris = {name: model.operation_model(name).http for name in model.operation_names}
    matching = [
        name
        for name, http in uris.items()
        if http.get("method") == front.method and _template(str(http.get("requestUri"))).fullmatch(front.path)
    ]
    return max(matching, key=lambda name: len(str(uris[name]["requestUri"])), default=None)


def _template(uri: str) -> re.Pattern[str]:
    """Of paths; `{key+}` stands for several segments."""
    parts = re.split(r"\{(\w+\+?)\}", uri.partition("?")[0])
    return re.compile(
        "".join(
            (".+" if part.endswith("+") else "[^/]+") if index % 2 else re.escape(part)
            for index, part in enumerate(parts)
        )
    )


def credential_scope(front: Front) -> tuple[str, str] | None:
    """(region, signing name) of the Authorization header or of a presigned URL."""
    found = _CREDENTIAL.search(front.headers.get("authorization", ""))
    credential = found[1] if found else None
    if credential is None and "X-Amz-Credential=" in front.query:
        credential = parse_qs(front.query).get("X-Amz-Credential", [""])[0]
    parts = unquote(credential).split("/") if credential else []
    return (parts[-3], parts[-2]) if len(parts) >= 5 and parts[-1] == "aws4_request" else None


def bucket_in_host(host: str) -> str | None:
    """The bucket of a virtual-host style request: `bucket.s3.localhost:4566`, or `bucket.localhost:4566`, which SDKs
    make of the endpoint `http://localhost:4566`."""
    name = host.rpartition(":")[0] or host
    found = _S3_HOST.fullmatch(name) or _LOCAL_BUCKET.fullmatch(name)
    return found["bucket"] if found else None


def signing_name(service: str) -> str:
    return _SIGNING_NAMES.get(service, service)


def _of_signing_name(name: str, path: str) -> str:
    if name == "ses" and path.startswith("/v2/"):
        return "sesv2"
    if name == "s3" and path.startswith("/v20180820/"):
        return "s3control"
    return _SERVICES.get(name, name)


def _by_host(host: str) -> str | None:
    name = host.rpartition(":")[0] or host
    if _S3_HOST.fullmatch(name):
        return "s3"
    found = _AWS_HOST.fullmatch(name)
    service = _of_signing_name(found["service"], "") if found else None
    return service if service in service_names() else None


def _is_unsigned_s3(front: Front, own_paths: Callable[[], Collection[str]]) -> bool:
    bucket, slash, key = front.path.lstrip("/").partition("/")
    if not _BUCKET.fullmatch(bucket) or _DATE_OR_ACCOUNT.fullmatch(bucket):
        return False
    if "AWSAccessKeyId=" in front.query and "Signature=" in front.query:
        return True
    if front.method == "POST":  # a browser's upload; whatever else is posted is signed, or a call of our own
        return front.headers.get("content-type", "").startswith("multipart/form-data")
    return bool(slash and key) and "x-amz-target" not in front.headers and bucket not in own_paths()
