"""What Amazon Connect's control plane refuses, in its error types. Where AWS's sentence is not known, ours says it.

https://docs.aws.amazon.com/connect/latest/APIReference/CommonErrors.html
"""

from collections.abc import Sequence

from callpark.kernel.errors import CallerError


def refusal(code: str, status: int, message: str) -> CallerError:
    """Connect spells the member `Message`."""
    return CallerError(code, status, message, body={"Message": message})


def invalid_parameter(message: str) -> CallerError:
    return refusal("InvalidParameterException", 400, message)


def invalid_request(message: str) -> CallerError:
    return refusal("InvalidRequestException", 400, message)


def not_found(what: str, reference: str) -> CallerError:
    return refusal("ResourceNotFoundException", 404, f"{what} {reference!r} does not exist.")


def duplicate(what: str, name: str) -> CallerError:
    return refusal("DuplicateResourceException", 409, f"{what} {name!r} exists already.")


def in_use(resource_type: str, resource_id: str, message: str) -> CallerError:
    body = {"Message": message, "ResourceType": resource_type, "ResourceId": resource_id}
    return CallerError("ResourceInUseException", 409, message, body=body)


def limit_exceeded(what: str, most: int) -> CallerError:
    return refusal("LimitExceededException", 429, f"An instance has {most} {what} at most.")


def not_published(flow_id: str) -> CallerError:
    message = f"The flow {flow_id} has not been published; its saved content is at {flow_id}:$SAVED."
    return refusal("ContactFlowNotPublishedException", 404, message)


def unsupported(what: str) -> CallerError:
    """An operation that is served, asked for something that is not."""
    return refusal("NotImplemented", 501, f"callpark does not implement {what}")


def invalid_flow(problems: Sequence[str]) -> CallerError:
    """The body is the problems alone, as the service model has it."""
    details = [{"message": problem} for problem in problems]
    return CallerError("InvalidContactFlowException", 400, "; ".join(problems), body={"problems": details})


def invalid_module(problems: Sequence[str]) -> CallerError:
    """Modules spell the member `Problems`."""
    details = [{"message": problem} for problem in problems]
    return CallerError("InvalidContactFlowModuleException", 400, "; ".join(problems), body={"Problems": details})
