"""Computes the checksum CRC-32C: by a compiled library if installed, else by a table."""

from collections.abc import Callable
from importlib import import_module
from typing import Final

_POLYNOMIAL: Final = 0x82F63B78  # Castagnoli's, its bits reversed: RFC 3720, appendix B.4


def _table_entry(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_POLYNOMIAL if byte & 1 else 0)
    return byte


_TABLE: Final = tuple(map(_table_entry, range(256)))


def crc32c_by_table(data: bytes) -> int:
    """Return the CRC-32C of some kilobytes; 10 kB take half a millisecond."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _choose() -> Callable[[bytes], int]:
    try:  # a reader of tapes may lack it
        compiled: Callable[[bytes], int] = import_module("google_crc32c").value
    except ImportError:
        return crc32c_by_table
    return compiled


crc32c: Final = _choose()


_CRC32: Final = 0xEDB88320  # of zlib and zip, its bits reversed
_ONE: Final = 1 << 31  # as a polynomial, whose highest bit is the lowest power


def join_crc32(first: int, second: int, length: int) -> int:
    """Return the CRC-32 of two parts together, from that of each; `length` is the second's.

    As zlib's crc32_combine: multiply the first by x to the power of the second's bits.
    """
    power, square = _ONE, _ONE >> 8
    while length:
        if length & 1:
            power = _multiply(power, square)
        square = _multiply(square, square)
        length >>= 1
    return _multiply(power, first) ^ second


def _multiply(one: int, other: int) -> int:
    """Return the product of two polynomials, modulo that of CRC-32."""
    product = 0
    for bit in range(31, -1, -1):
        if one >> bit & 1:
            product ^= other
        other = other >> 1 ^ (_CRC32 if other & 1 else 0)
    return product
