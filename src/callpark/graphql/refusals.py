"""Requests that are not executed, in AppSync's shape: a status, and `{"errors": [{"errorType", "message"}]}`.

Raised by `service.py` and `documents.py`; `api/` sends them as they are.
"""

from callpark.kernel.errors import CallerError


def refusal(code: str, status: int, message: str) -> CallerError:
    return CallerError(code, status, message, body={"errors": [{"errorType": code, "message": message}]})


def bad_request(message: str) -> CallerError:
    """A request that names no operation AppSync can run."""
    return refusal("BadRequestException", 400, message)
