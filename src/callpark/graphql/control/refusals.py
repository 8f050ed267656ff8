"""What the control plane refuses, in AWS's words where they are known.

Recorded in public issues: the texts about data sources, functions, fields, resolvers and code. The others are ours.
"""

from collections.abc import Iterable

from callpark.graphql.runtimes.evaluating import CODE_ERRORS, wire_code_errors
from callpark.graphql.runtimes.js.module import BrokenCode
from callpark.kernel.errors import CallerError, ProjectError
from graphql import GraphQLSyntaxError


def bad_request(message: str) -> CallerError:
    return CallerError("BadRequestException", 400, message)


def not_found(message: str) -> CallerError:
    return CallerError("NotFoundException", 404, message)


def api_not_found(api_id: str) -> CallerError:
    return not_found(f"GraphQL API {api_id} not found.")


def source_not_found(name: str) -> CallerError:
    return not_found(f"No data source found named {name}")


def source_exists(name: str) -> CallerError:
    return bad_request(f"Data source with name {name} already exists")


def source_bypassed() -> CallerError:
    return bad_request("Data source is still connected to a resolver that uses mapping template bypass.")


def source_in_use(name: str, users: Iterable[str]) -> CallerError:
    return bad_request(f"Data source {name} is in use by {', '.join(users)}.")


def function_not_found(function_id: str) -> CallerError:
    return not_found(f"No function found named {function_id}")


def functions_not_found(function_ids: Iterable[str]) -> CallerError:
    named = ",".join(function_ids)
    return not_found(f"The specified functions [{named}] must exist before referencing them from a resolver.")


def function_in_use(users: Iterable[str]) -> CallerError:
    return bad_request(f"Cannot delete a function which is currently used by a resolver: {', '.join(users)}.")


def type_not_found(name: str) -> CallerError:
    return not_found(f"Type {name} not found")


def field_not_found(type_name: str, field_name: str) -> CallerError:
    return not_found(f"No field named {field_name} found on type {type_name}")


def resolver_exists() -> CallerError:
    return bad_request("Only one resolver is allowed per field.")


def resolver_not_found(type_name: str, field_name: str) -> CallerError:
    return not_found(f"No resolver found for field {field_name} on type {type_name}")


def key_not_found(key: str) -> CallerError:
    return not_found(f"API key {key} not found.")


def cache_missing(verb: str) -> CallerError:
    return not_found(f"Unable to {verb} the cache as it doesn't exist, please create the cache first.")


def no_schema() -> CallerError:
    return CallerError("GraphQLSchemaException", 400, "No schema definition exists.")


def schema_details(problem: ProjectError) -> str:
    """Why a schema was not taken, for the status of its creation; AWS says the first sentence and no more."""
    if isinstance(problem.__cause__, GraphQLSyntaxError):
        return f"Failed to parse schema document - ensure it's a valid SDL-formatted document. {problem.cause}"
    return problem.cause


def unusable(error: ProjectError) -> CallerError:
    """What cannot be served as it was given; broken code is listed as AppSync lists it."""
    if isinstance(error.__cause__, BrokenCode):
        detail = {"codeErrors": wire_code_errors(error.__cause__.errors)}
        body = {"message": CODE_ERRORS, "reason": "CODE_ERROR", "detail": detail}
        return CallerError("BadRequestException", 400, CODE_ERRORS, body=body)
    return bad_request(f"{error.cause}; {error.remedy}.")
