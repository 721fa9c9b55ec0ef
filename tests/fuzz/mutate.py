"""Damage to what was good: values of other kinds, bytes of other values, parts that moved."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

# What stands where a value of a text stood.
NASTY: Final = [
    *(b"null", b"true", b"-1", b"0", b"1e400", b"-0.0", b"1.5", b"NaN", b"Infinity", b"9" * 19),
    *(b"9" * 25, b"9" * 5000, b'""', b'"0"', b'"-1"', b'"1e5"', b'"1e400"', b'"NaN"', b'"\xff"'),
    *(b"\x00", b'"\\ud800"', b'"\\u0000"', b'"a\\nb"', b"[]", b"{}", b"[[]]", b'[["1","1"]]'),
    *(b"[" * 3000, b'{"a":' * 3000, b'"' + b"x" * 5000 + b'"', b'"../../etc"', b'"A/B"', b'"1"'),
    *(
        b"431",
        b"105",
        b'"0.00000000000000000000001"',
        b'"1."',
        b'"."',
        b'" 1"',
        b"9223372036854775808",
    ),
    # Times in other units and types, and what a level may have behind its size.
    *(b"1790126693", b"1790126693594", b"1790126693594483", b"1790126693594483831"),
    *(b"1790126693.594", b"1790126693594.0", b'"1790126693.594"', b'"1","2"', b'"1",{"a":1}'),
]
VALUE: Final = re.compile(rb'"[^"]*"|-?[0-9.]+|null|true|false|\[\]|\{\}')
# What stands where a value of a structure stood.
STRANGE: Final[list[Any]] = [
    *(None, True, 0, -1, 1, 2, 255, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 1.5, float("inf")),
    *(
        "",
        "0",
        "-1",
        "1e400",
        "NaN",
        "..",
        "../../etc/passwd",
        "A/B",
        "\n",
        "1\n2",
        "\x00",
        "é" * 40,
    ),
    *(b"", b"\xff", [], {}, [[]], [0] * 50, [None], {"a": {}}, float("nan"), "session_end"),
]
NUMBERS: Final = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63, 2**64 - 1)


def mutate_text(random: Random, raw: bytes, others: Sequence[bytes]) -> bytes:
    """Return a message or a body with other values, without some, with some twice."""
    for _ in range(random.randint(1, 3)):
        spans = [match.span() for match in VALUE.finditer(raw)]
        fate = random.randrange(8)
        if fate == 0 or not spans:
            raw = mutate_bytes(random, raw, others)
            continue
        start, end = random.choice(spans)
        if fate == 1:  # a part is there twice
            raw = raw[:end] + b"," + raw[start:]
        elif fate == 2:  # or not at all
            until = random.choice(spans)[1]
            raw = raw[:start] + raw[max(until, end) :]
        elif fate == 3:
            other = VALUE.findall(random.choice(others))
            raw = raw[:start] + (random.choice(other) if other else b"") + raw[end:]
        else:
            raw = raw[:start] + random.choice(NASTY) + raw[end:]
    return raw


def mutate_bytes(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return bytes of which some were changed, lost, repeated, or come from another input."""
    left = bytearray(data)
    for _ in range(random.randint(1, 4)):
        random.choice(_BYTE_FAULTS)(random, left, others)
    return bytes(left)


def _flip(random: Random, left: bytearray, _: Sequence[bytes]) -> None:
    if left:
        left[random.randrange(len(left))] ^= 1 << random.randrange(8)


def _overwrite(random: Random, left: bytearray, _: Sequence[bytes]) -> None:
    at, size = random.randrange(len(left) + 1), random.choice((1, 2, 4, 8))
    number = random.choice(NUMBERS) & ((1 << 8 * size) - 1)
    left[at : at + size] = number.to_bytes(size, random.choice(("big", "little")))


def _insert(random: Random, left: bytearray, _: Sequence[bytes]) -> None:
    at = random.randrange(len(left) + 1)
    left[at:at] = random.randbytes(random.choice((1, 2, 5, 50)))


def _lose(random: Random, left: bytearray, _: Sequence[bytes]) -> None:
    start, end = _span(random, left)
    del left[start:end]


def _repeat(random: Random, left: bytearray, _: Sequence[bytes]) -> None:
    start, end = _span(random, left)
    left[start:start] = left[start : min(end, start + 4096)]


def _blank(random: Random, left: bytearray, _: Sequence[bytes]) -> None:
    start, end = _span(random, left)
    left[start:end] = bytes(end - start)


def _cut(random: Random, left: bytearray, _: Sequence[bytes]) -> None:
    del left[random.randrange(len(left) + 1) :]


def _splice(random: Random, left: bytearray, others: Sequence[bytes]) -> None:
    other = random.choice(others)
    start, end = _span(random, other)
    at = random.randrange(len(left) + 1)
    left[at : at + random.choice((0, end - start))] = other[start : min(end, start + 4096)]


_BYTE_FAULTS: Final[list[Callable[[Random, bytearray, Sequence[bytes]], None]]] = [
    *(_flip, _flip, _overwrite, _overwrite, _insert, _lose, _repeat, _blank, _cut, _splice)
]


def _span(random: Random, data: bytes | bytearray) -> tuple[int, int]:
    start, end = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
    return start, end


def mutate_tree(random: Random, value: Any) -> Any:
    """Return a structure of lists and mappings in which one value is another."""
    if isinstance(value, dict | list) and value and random.random() < 0.9:
        return _mutate_part(random, value)
    if isinstance(value, int) and random.random() < 0.5:
        return value + random.choice((-1, 1, 2**32, -value * 2))
    return random.choice(STRANGE)


def _mutate_part(random: Random, value: Any) -> Any:
    changed = value.copy()
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = random.choice(keys)
    fate = random.randrange(12)
    if fate == 0:
        del changed[key]
    elif fate == 1:
        changed[random.choice(keys)] = value[key]
    elif fate == 2 and isinstance(value, list):
        changed.insert(key, value[key])
    elif fate == 3 and isinstance(value, dict):
        changed[random.choice(("", "book", "../x", "version"))] = changed.pop(key)
    else:
        changed[key] = mutate_tree(random, value[key])
    return changed
