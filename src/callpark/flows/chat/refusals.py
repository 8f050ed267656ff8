"""What chats and contacts say no with: code, status and text by the models of `connectparticipant` and `connect`.

Called by this room and the operations on contacts. AWS's texts are not published but for a few; ours say what to do.
https://docs.aws.amazon.com/connect/latest/APIReference/API_Operations_Amazon_Connect_Participant_Service.html
"""

from callpark.kernel.errors import CallerError


def _error(code: str, status: int, text: str) -> CallerError:
    return CallerError(code, status, text, body={"Message": text})


def access_denied() -> CallerError:
    """Whatever is wrong with a token, the answer is the same; so it is for a chat that is over."""
    return _error("AccessDeniedException", 403, "Access denied")


def invalid(text: str) -> CallerError:
    return _error("ValidationException", 400, text)


def throttled(text: str) -> CallerError:
    return _error("ThrottlingException", 429, text)


def not_built(what: str) -> CallerError:
    return _error("NotImplemented", 501, f"callpark does not support {what}")


def conflict(text: str) -> CallerError:
    return _error("ConflictException", 409, text)


def quota_exceeded(text: str) -> CallerError:
    return _error("ServiceQuotaExceededException", 402, text)


# Of the service `connect`


def invalid_request(text: str) -> CallerError:
    return _error("InvalidRequestException", 400, text)


def invalid_parameter(text: str) -> CallerError:
    return _error("InvalidParameterException", 400, text)


def limit_exceeded(text: str) -> CallerError:
    return _error("LimitExceededException", 429, text)


def no_resource(what: str) -> CallerError:
    return _error("ResourceNotFoundException", 404, f"{what} does not exist")


def no_contact() -> CallerError:
    return _error("ContactNotFoundException", 410, "The contact does not exist, or it has ended")


def moved() -> CallerError:
    """The chat goes on at another node; the same request finds it there."""
    text = "The chat goes on at another node; try again"
    return CallerError("InternalServerException", 503, text, headers={"Retry-After": "1"})
