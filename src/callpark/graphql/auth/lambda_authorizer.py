"""Authorization mode AWS_LAMBDA: a function decides, and its answers are kept for their time to live.

Asked by `authenticator.py`; the question and the meaning of the answer are `lambda_answer.py`'s.
https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

import logging
import re
from collections import OrderedDict
from typing import TypeAlias

from callpark.graphql.auth.approach import Approach, ChannelAsked
from callpark.graphql.auth.lambda_answer import Decision, decide, event
from callpark.graphql.auth.verdict import NOT_AUTHORIZED, Authorized, Refusal
from callpark.graphql.datasources.lambda_ import FunctionInvoker
from callpark.graphql.model import LambdaAuthorizerConfig
from callpark.kernel.clock import Clock
from callpark.kernel.deadline import Deadline
from callpark.kernel.errors import CallerError
from callpark.kernel.limits import AppSyncLimits

_log = logging.getLogger("callpark")

_Key: TypeAlias = tuple[str, str, str, ChannelAsked | None]
"""For an Event API with what is asked, because its authorizer is told: a verdict on one channel is none on another."""


class LambdaAuthorizers:
    def __init__(self, functions: FunctionInvoker, clock: Clock, limits: AppSyncLimits, account: str) -> None:
        self._functions = functions
        self._clock = clock
        self._limits = limits
        self._account = account
        self._kept: OrderedDict[_Key, tuple[float, Authorized | Refusal]] = OrderedDict()

    async def authenticate(
        self, api_id: str, config: LambdaAuthorizerConfig, approach: Approach
    ) -> Authorized | Refusal:
        token = approach.authorization or ""
        pattern = config.identity_validation_expression
        if pattern and re.search(pattern, token) is None:
            return NOT_AUTHORIZED
        key = (api_id, config.function_arn, token, approach.channel)
        kept = self._kept.get(key)
        if kept is not None and self._clock.now() < kept[0]:
            return kept[1]
        decision = await self._ask(api_id, config, approach)
        if decision.flaw is not None:
            _log.warning("Lambda authorizer %s: %s", config.function_arn, decision.flaw)
        if decision.ttl > 0:
            self._keep(key, decision)
        return decision.verdict

    async def _ask(self, api_id: str, config: LambdaAuthorizerConfig, approach: Approach) -> Decision:
        limits = self._limits
        try:
            async with Deadline(self._clock, limits.authorizer_seconds, config.function_arn):
                reply = await self._functions.invoke(config.function_arn, event(approach, api_id, self._account))
        except TimeoutError:
            return Decision(NOT_AUTHORIZED, flaw=f"no answer within {limits.authorizer_seconds:g} s")
        except CallerError as error:
            return Decision(NOT_AUTHORIZED, flaw=str(error))
        if reply.failed:
            return Decision(NOT_AUTHORIZED, flaw=f"it failed: {reply.payload[:200].decode('utf-8', 'replace')}")
        return decide(
            reply.payload,
            api_id,
            config.result_ttl,
            limits.authorizer_context_bytes,
            limits.authorizer_cached_bytes,
            approach.context_member,
        )

    def _keep(self, key: _Key, decision: Decision) -> None:
        seconds = min(decision.ttl, self._limits.authorizer_ttl_seconds)
        self._kept.pop(key, None)
        self._kept[key] = (self._clock.now() + seconds, decision.verdict)
        if len(self._kept) > self._limits.authorizer_cache_entries:
            self._kept.popitem(last=False)
