"""A warmed Python process that handlers' processes are forked from, and that starts other programs too.

Run by path (`python -P zygote.py DESCRIPTOR [MODULE …]`) by `forking.Zygote`; it imports nothing of callpark, so
neither do the handlers. On the descriptor, a stream socket, it reads requests (length u32, JSON; the log pipe's write
end as SCM_RIGHTS) and writes reports: `{"ready": 1}` once it is warm, `{"started": id, "pid": n}` and
`{"exited": pid, "status": n, "peak_kilobytes": n}`.

A forked handler's process behaves like `python -m awslambdaric handler` in a new process: fresh environment variables,
arguments, directory, import path, session and signal handlers. What speaks HTTP in it is `runtime_client.py` instead of
AWS's extension module. (CPython itself reseeds `random` after a fork.)

Nothing outlives its parent: the zygote kills every process group it started when its socket closes, and a child is
killed by the kernel when the zygote dies (PR_SET_PDEATHSIG).
"""

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import os
import resource
import runpy
import select
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import TypedDict, cast

_PR_SET_PDEATHSIG = 1
_LOG_DESCRIPTORS = (1, 2, 3)

#: What awslambdaric imports and what nearly every handler does. Not its `bootstrap` and `lambda_runtime_client`: they
#: read the environment when they are imported.
_ALWAYS = (
    "awslambdaric",
    "awslambdaric.lambda_config",
    "awslambdaric.lambda_context",
    "awslambdaric.lambda_literals",
    "awslambdaric.lambda_runtime_exception",
    "awslambdaric.lambda_runtime_log_utils",
    "awslambdaric.lambda_runtime_marshaller",
    "base64",
    "collections",
    "concurrent.futures.thread",
    "contextlib",
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "hashlib",
    "http.client",
    "logging",
    "pathlib",
    "queue",
    "random",
    "re",
    "simplejson",
    "tempfile",
    "traceback",
    "typing",
    "urllib.request",
    "uuid",
)

_WARM_SERVICES = ("bedrock-runtime", "dynamodb", "events", "lambda", "s3", "secretsmanager", "sns", "sqs")


class Request(TypedDict):
    """What to start: another program with `arguments`, or a Python `handler` when there are none."""

    id: int
    arguments: list[str] | None
    handler: str | None
    variables: dict[str, str]
    directory: str
    pycache: str
    file_descriptors: int
    file_bytes: int
    signals: bool


def main(arguments: list[str]) -> None:
    """Serve until the socket closes. In a forked child: become the handler's process and do not return."""
    connection = socket.socket(fileno=int(arguments[0]))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for module in (*_ALWAYS, *arguments[1:]):
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    client = _beside("runtime_client")
    if "boto3" in arguments[1:]:
        _warm_sdk()
    tempfile.tempdir = None
    gc.collect()
    gc.freeze()
    request = _serve(connection, libc)
    if request is not None:
        _become_handler(request, client)


def _beside(name: str) -> ModuleType:
    """The module of that name in this folder, which is not on the handlers' path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _serve(connection: socket.socket, libc: ctypes.CDLL) -> Request | None:
    """Fork a child per request. Returns the request in the child that shall run a Python handler, None at the end."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    poller.register(woken, select.POLLIN)
    children: set[int] = set()
    _report(connection, {"ready": 1})
    while True:
        for descriptor, _ in poller.poll():
            if descriptor == woken:
                _reap(connection, children, woken)
                continue
            received = _receive(connection)
            if received is None:
                _kill_all(children)
                return None
            request, descriptors = received
            zygote = os.getpid()
            child = os.fork()
            if child == 0:
                for inherited in (connection.fileno(), woken, wake):
                    os.close(inherited)
                connection.detach()
                _isolate(libc, zygote, descriptors[0])
                _limit(request["file_descriptors"], request["file_bytes"])
                if request["arguments"] is not None:
                    _execute(request["arguments"], request)
                return request
            for descriptor in descriptors:
                os.close(descriptor)
            children.add(child)
            _report(connection, {"started": request["id"], "pid": child})


def _receive(connection: socket.socket) -> tuple[Request, list[int]] | None:
    try:
        head, descriptors, _, _ = socket.recv_fds(connection, 4, 1)
        while 0 < len(head) < 4:
            head += connection.recv(4 - len(head))
        if not head:
            return None
        wanted = int.from_bytes(head, "big")
        body = bytearray()
        while len(body) < wanted:
            part = connection.recv(wanted - len(body))
            if not part:
                return None
            body += part
    except ConnectionError:
        return None
    return cast(Request, json.loads(body)), list(descriptors)


def _report(connection: socket.socket, report: dict[str, object]) -> None:
    body = json.dumps(report).encode()
    with contextlib.suppress(ConnectionError):
        connection.sendall(len(body).to_bytes(4, "big") + body)


def _reap(connection: socket.socket, children: set[int], woken: int) -> None:
    with contextlib.suppress(BlockingIOError):
        os.read(woken, 4096)
    while children:
        pid, status, usage = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            return
        children.discard(pid)
        code = os.waitstatus_to_exitcode(status)
        _report(connection, {"exited": pid, "status": code, "peak_kilobytes": usage.ru_maxrss})


def _kill_all(children: set[int]) -> None:
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)  # its group is not there before it has made one, see _isolate
            os.killpg(child, signal.SIGKILL)
    for child in children:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


def _isolate(libc: ctypes.CDLL, zygote: int, output: int) -> None:
    """What every child needs: its own process group, default signals, the log pipe, no input, a watch on its parent."""
    os.setsid()
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != zygote:
        os._exit(1)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    # The pipe's own number may be one of those it goes to; move it out of their way first.
    pipe = os.dup(output)
    while pipe in _LOG_DESCRIPTORS:
        pipe = os.dup(pipe)
    for descriptor in _LOG_DESCRIPTORS:
        os.dup2(pipe, descriptor, inheritable=True)
    for descriptor in {nothing, output, pipe} - {0, *_LOG_DESCRIPTORS}:
        os.close(descriptor)


def _limit(descriptors: int, file_bytes: int) -> None:
    """What a handler may use. The server may raise its own limit of descriptors, for it has many environments to
    watch; a handler has what it has on AWS. No file can become larger than all of /tmp may be, and no cores are left.
    A file that would is an error, not a signal: Python ignores SIGXFSZ, and what is executed from it does too."""
    wanted = ((resource.RLIMIT_NOFILE, descriptors), (resource.RLIMIT_FSIZE, file_bytes), (resource.RLIMIT_CORE, 0))
    for kind, allowed in wanted:
        _, most = resource.getrlimit(kind)
        if most == resource.RLIM_INFINITY or most >= allowed:
            resource.setrlimit(kind, (allowed, most))


def _execute(arguments: list[str], request: Request) -> None:
    """Replace the child by another program; 127 when that cannot be done, as shells say and AWS shows."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        os.chdir(request["directory"])
        os.execve(arguments[0], arguments, request["variables"])
    except OSError as error:
        os.write(2, f"{arguments[0]}: {error.strerror}\n".encode())
    os._exit(127)


def _become_handler(request: Request, client: ModuleType) -> None:
    """Turn this fork into what `python -m awslambdaric handler` would be, and run it."""
    os.environ.clear()
    os.environ.update(request["variables"])
    time.tzset()
    os.chdir(request["directory"])
    sys.path[:0] = [request["directory"], *filter(None, request["variables"].get("PYTHONPATH", "").split(os.pathsep))]
    sys.pycache_prefix = request["pycache"]
    if not request["signals"]:
        _speak_through(client)
    sys.argv = ["awslambdaric", request["handler"] or ""]
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


def _speak_through(client: ModuleType) -> None:
    """Give awslambdaric a client of ours instead of its extension module, and let it ask for events in the main thread.

    For python3.12 and later it starts a thread for each `next`, so that Python's signal handlers can run while the
    process is idle; before, they cannot. Without extensions an idle process gets no signal but SIGKILL, and the thread
    would halve the speed. With extensions which of them run is for AWS's own client to decide.
    """
    from awslambdaric.lambda_config import LambdaConfigProvider

    LambdaConfigProvider.SUPPORTED_THREADPOLLING_ENVS = set()
    sys.modules["runtime_client"] = client.as_module(os.environ["AWS_LAMBDA_RUNTIME_API"])


def _warm_sdk() -> None:
    """Do once what every handler's first client would: import what botocore imports late, and read its models.

    A model read here is handed to the first session of a fork that asks for it, and only to that one: sessions add to
    what they are given, so none may be shared.
    """
    import boto3
    from botocore.loaders import JSONFileLoader, Loader

    read, parsed = JSONFileLoader.load_file, {}
    listed, services_of = {}, Loader.list_available_services

    def remember(self: object, file_path: str) -> object:
        parsed[file_path] = value = read(self, file_path)
        return value

    def hand_over(self: object, file_path: str) -> object:
        value = parsed.pop(file_path, None)
        return read(self, file_path) if value is None else value

    def list_once(self: Loader, type_name: str) -> list[str]:
        key = (type_name, *self.search_paths)
        if key not in listed:
            listed[key] = services_of(self, type_name)
        return list(listed[key])

    JSONFileLoader.load_file = remember
    Loader.list_available_services = list_once
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1")
    session.client("sts")
    models = session._loader
    for service in _WARM_SERVICES:
        for kind in ("service-2", "endpoint-rule-set-1"):
            models.load_service_model(service, kind)
    for path in parsed:
        parsed[path] = read(JSONFileLoader(), path)
    JSONFileLoader.load_file = hand_over


if __name__ == "__main__":
    main(sys.argv[1:])
