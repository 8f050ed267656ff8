"""Ids for what a template declares: the same for the same project and logical id, on every machine and at every start.

AWS draws them at random; here a client's configuration survives a restart, and a test can know them.
"""

import hashlib
import uuid

from callpark.kernel.ids import spelled

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://callpark/projects")
_NAME_LENGTH = 64


def token(project: str, kind: str, logical_id: str, length: int = 26) -> str:
    """`length` lower-case letters and digits, as in AppSync's API ids and keys."""
    seed = hashlib.sha256(f"{kind}\0{project}\0{logical_id}".encode()).digest()
    number = int.from_bytes(hashlib.shake_256(seed).digest(2 * length))
    return spelled(number, length)


def uuid_of(project: str, kind: str, logical_id: str) -> str:
    """A UUID, as in Connect's ids."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}\0{project}\0{logical_id}"))


def number_of(project: str, kind: str, logical_id: str, below: int) -> int:
    """A whole number in [0, below)."""
    return int.from_bytes(hashlib.sha256(f"{kind}\0{project}\0{logical_id}".encode()).digest()) % below


def physical_name(logical_id: str, longest: int = _NAME_LENGTH) -> str:
    """The name of a resource that its template does not name: its logical id, shortened when it is too long.

    CloudFormation adds the stack's name and a random part; tools such as `sam local` say the logical id, and so do we.
    """
    if len(logical_id) <= longest:
        return logical_id
    digest = hashlib.sha256(logical_id.encode()).hexdigest()[:12]
    return f"{logical_id[: longest - 13]}-{digest}"
