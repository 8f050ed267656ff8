"""moto's server in a process of its own: started by `fallback.py` as `python -m callpark.upstreams.moto_child`.

It takes a free loopback port, writes `{"port": n}` to standard output once it answers, and ends when its standard
input does, which is when callpark ends, however that happens. Errors go to standard error. The environment names the
account (MOTO_ACCOUNT_ID) and callpark's own address (AWS_ENDPOINT_URL), where `moto_bridge.py` sends what is for
functions and queues.
"""

import json
import logging
import os
import sys
import threading

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from callpark.upstreams import moto_bridge


def _end_with_parent() -> None:
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    moto_bridge.install()
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
    print(json.dumps({"port": server.port}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
