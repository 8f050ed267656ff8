"""Which thing a page or web socket is about, so that the node that holds it answers. Pure."""

from urllib.parse import parse_qs

from callpark.cluster.placement import FLOOR, LOGS, Contact, Placed
from callpark.flows.api.attachment_web import PATH as FILES
from callpark.flows.chat.tokens import contact_named
from callpark.kernel.asgi import Scope, path


def chat_socket(scope: Scope) -> Placed:
    """The contact of a chat's web socket."""
    token = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
    found = contact_named(token)
    return None if found is None else Contact(found)


def chat_file(scope: Scope) -> Placed:
    """The contact of a file's address, whose token names it."""
    found = contact_named(path(scope).removeprefix(FILES).partition("/")[0])
    return None if found is None else Contact(found)


def agent_socket(scope: Scope) -> Placed:
    """Who plays an agent sits at the floor."""
    return FLOOR


def contact_page(scope: Scope) -> Placed:
    """The contact of a page about one."""
    parts = path(scope).strip("/").split("/")
    return Contact(parts[2]) if len(parts) > 2 else None


def logs_page(scope: Scope) -> Placed:
    return LOGS
