"""The Huffman code of header strings. Pure.

The code is canonical, so the lengths of RFC 7541, appendix B, are all of it: within a length codes follow the symbols.
Decoding takes four bits at a step, by a table made at import. https://www.rfc-editor.org/rfc/rfc7541#appendix-B
"""

#: The length in bits of each byte's code, then of the end's.
_WRITTEN = """
    13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
    6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
    13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
    15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
    20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
    22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
    26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
    20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
    30
"""
_LENGTHS = tuple(map(int, _WRITTEN.split()))
_END = 256


class HuffmanError(ValueError):
    """No Huffman code: the end within a string, or padding that is none."""


def decode(data: bytes) -> bytes:
    """Raises HuffmanError."""
    found = bytearray()
    state = 0
    for byte in data:
        for nibble in (byte >> 4, byte & 15):
            state, symbol = _STEPS[state][nibble]
            if symbol is not None:
                if symbol == _END:
                    raise HuffmanError("the end of a string within it")
                found.append(symbol)
    if not _MAY_END[state]:
        raise HuffmanError("a string that ends within a code")
    return bytes(found)


def _codes() -> dict[tuple[int, int], int]:
    """(length, code) → symbol."""
    codes: dict[tuple[int, int], int] = {}
    code = before = 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(_LENGTHS)):
        code <<= length - before
        before = length
        codes[length, code] = symbol
        code += 1
    return codes


def _tables() -> tuple[list[list[tuple[int, int | None]]], list[bool]]:
    """For each inner node of the code's tree and each four bits: the next node, and the symbol that was completed. No
    code is shorter than five bits, so there is one at most. And where a string may end: in less than eight ones."""
    codes = _codes()
    nodes: dict[tuple[int, int], int] = {(0, 0): 0}
    waiting, steps = [(0, 0)], list[list[tuple[int, int | None]]]()
    while waiting:
        row: list[tuple[int, int | None]] = []
        at = waiting.pop(0)
        for nibble in range(16):
            (length, code), symbol = at, None
            for place in (3, 2, 1, 0):
                length, code = length + 1, code << 1 | (nibble >> place & 1)
                if (length, code) in codes:
                    symbol, length, code = codes[length, code], 0, 0
            if (length, code) not in nodes:
                nodes[length, code] = len(nodes)
                waiting.append((length, code))
            row.append((nodes[length, code], symbol))
        steps.append(row)
    return steps, [length < 8 and code == (1 << length) - 1 for length, code in nodes]


_STEPS, _MAY_END = _tables()
