"""What is said when a service that is not ours cannot be reached. Called by `calls.py` and `passing.py`."""

from callpark.kernel.errors import CallerError


def nobody(service: str, remedy: str) -> CallerError:
    return CallerError("ServiceUnavailable", 503, f"nobody serves {service} here: {remedy}")


def not_implemented(service: str, remedy: str) -> CallerError:
    """The same to a client of the gateway: 501, which SDKs do not retry (rule L16)."""
    return CallerError("NotImplemented", 501, f"callpark does not implement the service {service}: {remedy}")


def lacking(service: str, operation: str | None) -> CallerError:
    """moto answers what it does not have, and what goes wrong in it, with a page for browsers."""
    what = f"{operation} of {service}" if operation else f"this operation of {service}"
    text = f"callpark does not implement {what}, and moto, which serves {service} here, has no answer to it either: "
    return CallerError("NotImplemented", 501, f"{text}name another server with --upstream {service}=URL")


def is_page(status: int, content_type: str) -> bool:
    """Whether an answer is for browsers: no AWS protocol has errors in HTML."""
    return status >= 500 and content_type.startswith("text/html")


def unreachable(service: str, address: str, reason: str) -> CallerError:
    return CallerError("ServiceUnavailable", 503, f"the upstream of {service} at {address} cannot be reached: {reason}")


def broken(service: str, address: str, reason: str) -> CallerError:
    return CallerError("BadGateway", 502, f"the upstream of {service} at {address} did not answer properly: {reason}")


def too_slow(service: str, address: str, seconds: float) -> CallerError:
    text = f"the upstream of {service} at {address} did not answer within {seconds:g} s"
    return CallerError("GatewayTimeout", 504, text)


def busy(service: str, limit: int) -> CallerError:
    text = f"{limit} requests to upstreams are in flight (upstream.connections); one of {service} found no room"
    return CallerError("ServiceUnavailable", 503, text)


def no_credentials(reason: str) -> CallerError:
    text = f"an upstream is AWS itself, which needs credentials: {reason}; set AWS_PROFILE or run `aws configure`"
    return CallerError("ServiceUnavailable", 503, text)
