"""Lines as bytes: a chunk is a compressed run of a group's lines, with an index entry beside it. Pure.

Called by `journal.py` and `service.py`. Lines of all streams of a group share its chunks, so that a function with a
hundred environments costs one row a flush and not a hundred.
"""

import zlib
from collections.abc import Sequence

import msgspec

from callpark.logs.model import ChunkInfo, GroupRecord, Line, StreamSpan

#: What CloudWatch Logs counts for a line beside its text, in bytes (API_PutLogEvents).
LINE_OVERHEAD_BYTES = 26

_encode = msgspec.msgpack.Encoder().encode
_decode_lines = msgspec.msgpack.Decoder(list[Line]).decode

encode_info = _encode
decode_info = msgspec.msgpack.Decoder(ChunkInfo).decode
encode_record = _encode
decode_record = msgspec.msgpack.Decoder(GroupRecord).decode


def encode_lines(lines: Sequence[Line]) -> bytes:
    return zlib.compress(_encode(lines), 1)


def decode_lines(data: bytes) -> list[Line]:
    return _decode_lines(zlib.decompress(data))


def describe(number: int, lines: Sequence[Line]) -> ChunkInfo:
    """The index entry of a chunk that holds `lines`, at least one."""
    spans: dict[str, list[int]] = {}
    total = 0
    for line in lines:
        size = weight(line)
        total += size
        at, span = line.at, spans.get(line.stream)
        if span is None:
            spans[line.stream] = [at, at, line.ingested, size]
            continue
        span[3] += size
        if at > span[1]:  # comparisons, not min and max: this runs for every line of a flood
            span[1] = at
        elif at < span[0]:
            span[0] = at
        if line.ingested > span[2]:
            span[2] = line.ingested
    return ChunkInfo(
        number=number,
        last_sequence=lines[-1].sequence,
        first=min(span[0] for span in spans.values()),
        last=max(span[1] for span in spans.values()),
        bytes=total,
        streams={stream: StreamSpan(*span) for stream, span in spans.items()},
    )


def weight(line: Line) -> int:
    """What a line counts for, in bytes; characters beyond ASCII are counted as one each, which bounds well enough."""
    return len(line.message) + LINE_OVERHEAD_BYTES
