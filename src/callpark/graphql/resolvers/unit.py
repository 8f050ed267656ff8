"""Unit resolvers: one step. Compiled by `compiler.py`."""

from callpark.graphql.execution import FieldCall, Resolver
from callpark.graphql.resolvers.run import NO_PREVIOUS, EarlyReturn, ResolverEnvironment, ResolverRun
from callpark.graphql.resolvers.step import Step


def unit_resolver(step: Step, environment: ResolverEnvironment) -> Resolver:
    async def resolve(call: FieldCall) -> object:
        value = await step.run(ResolverRun(call, environment), NO_PREVIOUS, call.execution.deadline)
        return value.value if isinstance(value, EarlyReturn) else value

    return resolve
