"""What is asked of chats and answered: values between `service.py` and the operations."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from callpark.flows.chat.model import TEXT, Address, Stream


@dataclass(frozen=True, slots=True)
class NewChat:
    """What StartChatContact and its kin ask for. `initial`: content type and content; of a `greeting` the instance is
    the author. `seconds`: None is 25 hours. `source`: the contact whose transcript goes on here. `address`: who writes
    by a messaging service, to a number in E.164 (`number`); such a chat begins at once."""

    flow: str
    display_name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    initial: tuple[str, str] | None = None
    greeting: tuple[str, str] | None = None
    content_types: tuple[str, ...] = (TEXT,)
    seconds: float | None = None
    source: str | None = None
    related_contact_id: str | None = None
    customer_id: str | None = None
    client_token: str = ""
    streams: tuple[Stream, ...] = ()
    address: Address | None = None
    number: str | None = None
    subtype: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """`participant_token` lasts as long as the chat. `streaming_id`: "" without a topic."""

    contact_id: str
    participant_id: str
    participant_token: str
    continued_from: str
    streaming_id: str = ""


@dataclass(frozen=True, slots=True)
class Invitation:
    """A custom participant's. The token is good for a first connection until `expires` (epoch seconds)."""

    participant_id: str
    participant_token: str
    expires: float


@dataclass(frozen=True, slots=True)
class Connection:
    """Instants in epoch seconds. `socket_token` opens a web socket for a short while
    (`connect.chat_socket_url_seconds`), which then lasts until `socket_expires`."""

    token: str
    expires: float
    socket_token: str
    socket_expires: float
