"""Where requests to AWS's own addresses go: to this server, which serves the service or passes it on. Pure.

So an HTTP data source that calls the Lambda API runs the project's functions, and nothing goes to AWS unless the user
named it as an upstream.
"""

import re
from urllib.parse import urlsplit

_REGION = r"(?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-[a-z]+)+-\d"
_SERVICE = re.compile(rf"(?:[a-z0-9-]+\.)?([a-z][a-z0-9-]*)\.{_REGION}\.amazonaws\.com(?:\.cn)?")
_OTHER_PEOPLES = frozenset(("execute-api", "elb", "compute", "es", "aoss", "rds", "elasticbeanstalk", "s3-website"))
"""Hosts below these belong to somebody's deployment, not to AWS's API."""


def is_aws_service(url: str) -> bool:
    """Whether a URL is the address of an AWS API (`https://lambda.us-east-1.amazonaws.com`)."""
    host = urlsplit(url).hostname or ""
    match = _SERVICE.fullmatch(host)
    return match is not None and match[1] not in _OTHER_PEOPLES


def localised(url: str, base_url: str) -> tuple[str, str | None]:
    """The URL to ask, and the Host header that tells who was meant (None: the URL's own)."""
    if not is_aws_service(url):
        return url, None
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{base_url}{parts.path}{query}", parts.netloc
