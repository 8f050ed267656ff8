"""What is asked of the models that answer for Amazon Bedrock."""

from dataclasses import dataclass

from callpark.kernel.limits.limit import limit


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """Ours: what is asked of the models that answer for Amazon Bedrock. Seconds of processes are the machine's."""

    queued: int = limit(64, "requests", "our rule: waiting for one backend; beyond them ThrottlingException")
    load_seconds: float = limit(120.0, "s", "our rule: until a local model's process is ready")
    reload_seconds: float = limit(5.0, "s", "our rule: after a local model could not be loaded, before the next try")
    heartbeat_seconds: float = limit(2.0, "s", "our rule: how often a working local model is asked whether it lives")
    hung_seconds: float = limit(20.0, "s", "our rule: a local model's process that does not answer for so long hangs")
    silence_seconds: float = limit(60.0, "s", "our rule: a model that says nothing for so long has failed")
    connect_seconds: float = limit(5.0, "s", "our rule: until a model's server accepts a connection")
