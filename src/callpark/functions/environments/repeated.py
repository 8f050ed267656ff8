"""Requests of a runtime that read like earlier ones of the same connection. Pure; asked by `runtime_http.py`.

A runtime sends the same two requests again and again, and parsing their headers cost a tenth of a no-op event. What
was parsed once needs no second parsing when only the ids, the length and the body differ: `learn_…` takes a request
that the parser found ordinary, `is_next` and `answer` recognise its like. Whatever else comes is the parser's.

A runtime may ask for its next event in the same breath as it answers, as `runtime_client.py` does.
"""

_END = b"\r\n\r\n"
_LENGTH = b"content-length: "
_LONGEST_LENGTH = 10
#: A header that changes how the body is read, or when.
_SPECIAL = (b"transfer-encoding:", b"expect:", b"upgrade:")


class Repeated:
    __slots__ = ("_after", "_before", "_between", "_next", "content_type")

    def __init__(self) -> None:
        self._next = b""
        self._before = self._between = self._after = b""
        self.content_type = ""

    @property
    def knows_next(self) -> bool:
        return bool(self._next)

    @property
    def knows_answer(self) -> bool:
        return bool(self._before)

    def learn_next(self, request: bytes) -> None:
        """A whole `GET next`, without anything that ends the connection."""
        if not _special(request):
            self._next = request

    def learn_answer(self, request: bytes, request_id: str, invocation_id: str, content_type: str) -> None:
        """A whole `POST response` to these ids. Taken when each id stands in it once, and its length last."""
        head, end, body = request.partition(_END)
        before, found, rest = head.partition(request_id.encode())
        between, found_too, after = rest.partition(invocation_id.encode())
        name, _, digits = after.rpartition(b" ")
        if not (end and found and found_too) or _special(head) or digits != b"%d" % len(body):
            return
        if name.lower().endswith(b"\r\n" + _LENGTH.rstrip()) and head.lower().count(_LENGTH) == 1:
            self._before, self._between, self._after = before, between, name + b" "
            self.content_type = content_type

    def is_next(self, data: bytes) -> bool:
        return data == self._next

    def before_next(self, data: bytes) -> bytes:
        """What stands before a `GET next` at the end of `data`; nothing when there is none."""
        return data[: -len(self._next)] if self._next and data.endswith(self._next) else b""

    def answer(self, data: bytes, request_id: str, invocation_id: str) -> tuple[bytes, bool] | None:
        """The body, when `data` is a whole answer to these ids as it was learnt, and whether `GET next` follows it;
        else None."""
        if not self._before or not data.startswith(self._before):
            return None
        head = self._before + request_id.encode() + self._between + invocation_id.encode() + self._after
        if not data.startswith(head):
            return None
        at = len(head)
        end = data.find(_END, at)
        digits = data[at:end]
        if end < 0 or not digits.isdigit() or len(digits) > _LONGEST_LENGTH:
            return None
        start, size = end + len(_END), int(digits)
        rest = len(data) - start - size
        if rest == 0:
            return data[start:], False
        if rest == len(self._next) and data.endswith(self._next):
            return data[start : start + size], True
        return None


def _special(head: bytes) -> bool:
    lowered = head.lower()
    return any(name in lowered for name in _SPECIAL)
