"""Which files may be attached to a chat. Pure.

https://docs.aws.amazon.com/connect/latest/adminguide/feature-limits.html (attachments)
"""

from collections.abc import Collection, Mapping
from typing import Final

_OFFICE: Final = "application/vnd.openxmlformats-officedocument"

#: By extension: the content types under which clients send such a file, the usual one first.
TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "csv": ("text/csv", "application/vnd.ms-excel", "text/plain"),
    "doc": ("application/msword",),
    "docx": (f"{_OFFICE}.wordprocessingml.document",),
    "heic": ("image/heic", "image/heif"),
    "jfif": ("image/jpeg", "image/pjpeg"),
    "jpeg": ("image/jpeg",),
    "jpg": ("image/jpeg",),
    "mov": ("video/quicktime",),
    "mp4": ("video/mp4",),
    "pdf": ("application/pdf",),
    "png": ("image/png",),
    "ppt": ("application/vnd.ms-powerpoint",),
    "pptx": (f"{_OFFICE}.presentationml.presentation",),
    "rtf": ("application/rtf", "text/rtf"),
    "txt": ("text/plain",),
    "wav": ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"),
    "xls": ("application/vnd.ms-excel",),
    "xlsx": (f"{_OFFICE}.spreadsheetml.sheet",),
}


def problem_of_type(name: str, content_type: str, extensions: Collection[str] | None = None) -> str:
    """Why a file cannot be attached, "" when it can. `extensions` that are allowed, instead of AWS's."""
    if any(character in name for character in '/\\"') or any(ord(character) < 32 for character in name):
        return "AttachmentName is a file name, without path, quotes and control characters"
    allowed = TYPES if extensions is None else extensions
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if extension not in allowed:
        return f"AttachmentName {name[:100]!r} ends in none of {', '.join(allowed)}"
    essence, types = content_type.partition(";")[0].strip().lower(), TYPES.get(extension)
    if types is not None and essence not in types:
        return f"ContentType {content_type[:100]!r} is not that of {name[:100]!r}: {' or '.join(types)}"
    return ""
