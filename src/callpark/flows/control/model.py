"""What an instance owns, as the API sees it: one record for each flow, module, number, queue, hours, prompt, user, …

Made by `declaring.py` from a project and by the operations in `api/`; kept by `plane.py`, in the store unless declared;
turned into what is served by `serving.py`. Frozen. Rows written by an earlier callpark lack the later members, so those
have defaults. Instants are epoch seconds.
"""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal, TypeAlias

import msgspec

from callpark.flows.control.kept import Kept, KeptValue, Tags
from callpark.flows.control.people import ProfileRecord, QuickConnectRecord, StatusRecord, UserRecord
from callpark.flows.declared import Hours, PromptFile, Queue
from callpark.flows.placement import MODULE


class Version(msgspec.Struct, frozen=True):
    """An immutable copy of a flow's published content."""

    number: int
    content: str
    description: str = ""
    created_at: float = 0.0
    settings: str | None = None


class Alias(msgspec.Struct, frozen=True):
    """A name for a version of a flow or module."""

    id: str
    name: str
    version: int
    description: str = ""
    modified_at: float = 0.0


class FlowRecord(Kept, frozen=True, kw_only=True, tag="flow"):
    """A flow, or a module (type MODULE). `content`: what is published, None when nothing is; `saved`: what was saved
    and not published since. `settings`: a module's contract. `source`: the project's file."""

    id: str
    arn: str
    name: str
    type: str
    content: str | None = None
    saved: str | None = None
    description: str = ""
    state: Literal["ACTIVE", "ARCHIVED"] = "ACTIVE"
    settings: str | None = None
    external: bool = False
    versions: tuple[Version, ...] = ()
    aliases: tuple[Alias, ...] = ()
    source: str | None = None
    token: str | None = None

    @property
    def kind(self) -> str:
        return "flow-module" if self.type == MODULE else "contact-flow"


class NumberRecord(Kept, frozen=True, kw_only=True, tag="number"):
    """A claimed number in E.164 and the flow that answers it. `token`: of the request that claimed it."""

    kind: ClassVar[str] = "phone-number"

    id: str
    arn: str
    number: str
    flow_arn: str | None = None
    description: str = ""
    token: str | None = None

    @property
    def name(self) -> str:
        return self.number


class QueueRecord(KeptValue[Queue], frozen=True, kw_only=True, tag="queue"):
    """A queue. `outbound`: OutboundCallerConfig, of which only the number has an effect."""

    kind: ClassVar[str] = "queue"

    description: str = ""
    status: Literal["ENABLED", "DISABLED"] = "ENABLED"
    outbound: Mapping[str, str] = {}


class DaySpan(msgspec.Struct, frozen=True):
    """Open on a day (English name) from and to an hour and a minute."""

    day: str
    start: tuple[int, int]
    end: tuple[int, int]

    @property
    def text(self) -> str:
        """As `declared.Hours` writes it."""
        (start_hour, start_minute), (end_hour, end_minute) = self.start, self.end
        return f"{start_hour:02}:{start_minute:02}-{end_hour:02}:{end_minute:02}"


class OverrideRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Other hours from one date to another, both included (YYYY-MM-DD)."""

    id: str
    name: str
    description: str = ""
    first: str
    last: str
    config: tuple[DaySpan, ...] = ()


class HoursRecord(Kept, frozen=True, kw_only=True, tag="hours"):
    """Hours of operation. `as_declared`: the project's own, as long as nobody has changed them."""

    kind: ClassVar[str] = "operating-hours"

    id: str
    arn: str
    name: str
    time_zone: str
    config: tuple[DaySpan, ...] = ()
    overrides: tuple[OverrideRecord, ...] = ()
    description: str = ""
    as_declared: Hours | None = None


class PromptRecord(KeptValue[PromptFile], frozen=True, kw_only=True, tag="prompt"):
    kind: ClassVar[str] = "prompt"

    s3_uri: str = ""
    description: str = ""


Record: TypeAlias = (
    FlowRecord
    | NumberRecord
    | QueueRecord
    | HoursRecord
    | PromptRecord
    | UserRecord
    | ProfileRecord
    | StatusRecord
    | QuickConnectRecord
)

Key: TypeAlias = tuple[str, str]
"""(kind as in ARNs, id)."""


def key_of(record: Record) -> Key:
    return (record.kind, record.id)


FILE_SCANNER: Final = "FILE_SCANNER"


class Integration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An integration association. `arn`: of what the instance is associated with."""

    id: str
    type: str
    arn: str
    application_url: str | None = None
    application_name: str | None = None
    source_type: str | None = None
    tags: Tags = {}
    modified_at: float = 0.0


CHAT_FILES: Final = "CHAT"


class FileRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which files may be attached: at most so many bytes, names that end so (lower case). None: as AWS has it."""

    most: int | None = None
    extensions: tuple[str, ...] | None = None
    modified_at: float = 0.0


class Settings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of the instance itself. `functions`: associated by the API; None: the API has never associated any. `files`: by
    scope."""

    functions: tuple[str, ...] | None = None
    attributes: Mapping[str, str] = {}
    tags: Tags = {}
    integrations: tuple[Integration, ...] = ()
    files: Mapping[str, FileRule] = {}


def rehomed(record: Record, instance_arn: str) -> Record:
    """A record with the ARN that it has in an instance: another project may have another one."""
    if isinstance(record, NumberRecord):
        return record
    arn = f"{instance_arn}/{record.kind}/{record.id}"
    if isinstance(record, FlowRecord | HoursRecord | StatusRecord):
        return msgspec.structs.replace(record, arn=arn)
    value = msgspec.structs.replace(record.value, arn=arn)
    return msgspec.structs.replace(record, value=value)


_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


def to_row(record: Record) -> bytes:
    return msgspec.json.encode(record)


def from_row(data: bytes) -> Record:
    """Raises msgspec.ValidationError (a ValueError)."""
    return _decoder.decode(data)
