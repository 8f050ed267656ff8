"""Resolvers of an API that logs its fields. Compiled by `compiler.py`, around everything else a resolver is."""

from types import CoroutineType

from callpark.graphql.execution import FieldCall, Resolver
from callpark.graphql.failures import FieldFailure


def logged_resolver(resolver: Resolver) -> Resolver:
    async def resolve(call: FieldCall) -> object:
        log = None if call.execution.log is None else call.execution.log.field(call)
        call.log = log
        failure: FieldFailure | None = None
        try:
            value = resolver(call)
            return await value if isinstance(value, CoroutineType) else value
        except FieldFailure as caught:
            failure = caught
            raise
        finally:
            if log is not None:
                log.done(failure)

    return resolve
