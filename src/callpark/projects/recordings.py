"""How long recordings play. Called by `connect_file.py` and by `resources/connect_resources.py`."""

from pathlib import Path


def wav_seconds(path: Path) -> float | None:
    """How long a WAV file plays, in any encoding: bytes of sound by bytes a second. None for what is none."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return None
        rate = 0
        while len(chunk := file.read(8)) == 8:
            size = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"fmt ":
                rate = int.from_bytes(file.read(size)[8:12], "little")
            elif chunk[:4] == b"data":
                return round(size / rate, 3) if rate else None
            else:
                file.seek(size + size % 2, 1)
    return None
