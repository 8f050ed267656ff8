"""The environment variables of a handler's process. Pure.

Called by `environment.py`. Names and values of lambda.md §14; nothing of the server's own environment passes but PATH
and the library path, so a handler cannot come to depend on the machine, nor see its secrets.
"""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from callpark.functions.environments.ports import Deployment
from callpark.kernel.arn import Arn, Place

#: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html, "Reserved environment variables", without
#: the credentials: those a function may set here, to reach something real.
RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
        "_LAMBDA_TELEMETRY_LOG_FD",
    }
)
#: The services whose own variable is set too: an SDK prefers it, so a user's general setting cannot hide callpark's.
ENDPOINT_SERVICES = ("LAMBDA", "SQS", "BEDROCK_RUNTIME")
#: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html, "Environment variables".
_RUNTIME_ONLY = frozenset({"_HANDLER", "_LAMBDA_TELEMETRY_LOG_FD", "AWS_EXECUTION_ENV", "LAMBDA_RUNTIME_DIR"})
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")


class Surroundings(msgspec.Struct, frozen=True):
    """What one process is told: its Runtime API (host:port), log stream, temporary directory, the telemetry descriptor
    and where callpark serves AWS's APIs, if anywhere."""

    runtime_api: str
    log_stream: str
    temporary_directory: str
    telemetry_descriptor: int
    endpoint_url: str | None


def refused_variables(environment: Mapping[str, str]) -> list[str]:
    """The function's own variables that AWS reserves; they are not passed on."""
    return sorted(name for name in environment if name in RESERVED)


def process_variables(
    deployment: Deployment, surroundings: Surroundings, server_environment: Mapping[str, str]
) -> dict[str, str]:
    """Everything the process finds in its environment. The function's own variables win wherever AWS lets them."""
    configuration = deployment.configuration
    region = _region(deployment.arn)
    root = str(deployment.code_root)
    variables = {name: server_environment[name] for name in _PASSED_ON if name in server_environment}
    variables |= {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "test",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": surroundings.temporary_directory,
        "TMPDIR": surroundings.temporary_directory,
        "PWD": root,
        "SHLVL": "0",
        "TZ": ":UTC",
        "LANG": "en_US.UTF-8",
        "LC_CTYPE": "C.UTF-8",
    }
    if surroundings.endpoint_url is not None:
        variables["AWS_ENDPOINT_URL"] = surroundings.endpoint_url
        variables |= {f"AWS_ENDPOINT_URL_{service}": surroundings.endpoint_url for service in ENDPOINT_SERVICES}
    if deployment.layers_root is not None:
        variables |= _layer_paths(deployment.layers_root, configuration.runtime, variables)
    if configuration.log_format == "JSON":
        variables |= {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": configuration.application_log_level}
    variables |= {name: value for name, value in configuration.environment.items() if name not in RESERVED}
    variables |= {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_LAMBDA_FUNCTION_NAME": configuration.name,
        "AWS_LAMBDA_FUNCTION_VERSION": deployment.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration.memory_megabytes),
        "AWS_LAMBDA_LOG_GROUP_NAME": configuration.log_group or f"/aws/lambda/{configuration.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": surroundings.log_stream,
        "AWS_LAMBDA_INITIALIZATION_TYPE": deployment.initialization,
        "AWS_LAMBDA_RUNTIME_API": surroundings.runtime_api,
        "_HANDLER": configuration.handler,
        "LAMBDA_TASK_ROOT": root,
        "LAMBDA_RUNTIME_DIR": root,
        "_LAMBDA_TELEMETRY_LOG_FD": str(surroundings.telemetry_descriptor),
    }
    if not configuration.runtime.startswith("provided"):
        variables["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{configuration.runtime}"
    return variables


def extension_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """What an extension's own process finds: the function's variables without what only the runtime is told."""
    return {name: value for name, value in variables.items() if name not in _RUNTIME_ONLY}


def _layer_paths(root: Path, runtime: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Where a runtime looks inside its layers: https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html"""
    joined = {"PATH": [str(root / "bin")], "LD_LIBRARY_PATH": [str(root / "lib")]}
    if runtime.startswith("python"):
        packages = sorted(root.glob("python/lib/python3.*/site-packages"))
        joined["PYTHONPATH"] = [str(root / "python"), *map(str, packages)]
    elif runtime.startswith("nodejs"):
        versioned = f"nodejs/node{runtime.removeprefix('nodejs').partition('.')[0]}/node_modules"
        joined["NODE_PATH"] = [str(root / versioned), str(root / "nodejs/node_modules")]
    return {name: os.pathsep.join([*paths, *filter(None, [variables.get(name)])]) for name, paths in joined.items()}


def _region(arn: str) -> str:
    parsed = Arn.parse(arn)
    return parsed.region if parsed is not None and parsed.region else Place().region
