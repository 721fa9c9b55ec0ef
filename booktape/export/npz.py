"""Writes one array into an npz file while its rows come; the same rows give the same bytes.

An array's header, with the number of rows, stands before them in the compressed data. So the header
has an uncompressed deflate block of its own, which this overwrites at the end.
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT and RFC 1951, 3.2.4
"""

import io
import zlib
from collections.abc import Iterable
from pathlib import Path
from struct import pack
from typing import IO, Any, Final

import numpy as np

from booktape.checksum import join_crc32

LEVEL: Final = 1  # of zlib: twice as fast as numpy's own, and a sixth larger
COUNT_MAX: Final = 10**18  # the header has room for as many digits
_VERSION: Final = 45  # the zip version that allows more than 4 GiB
_STORED, _DEFLATED = 0, 8
_DATE: Final = 1 << 5 | 1  # the first of January 1980
_MORE: Final = 0xFFFFFFFF  # means: the value is in the extra field
_WINDOW_BITS: Final = -15  # no header and no checksum of zlib's own


def write_npz(
    path: Path, name: str, dtype: Any, parts: Iterable[Any], *, is_compressed: bool = True
) -> int:
    """Write rows that come in parts, under a name; return their count."""
    member = f"{name}.npy".encode()
    method = _DEFLATED if is_compressed else _STORED
    with path.open("wb") as file:
        file.write(_local_header(member, method, 0, 0, 0))
        head_place = file.tell()
        file.write(_wrap_head(_array_header(dtype, 0), method))
        count, size, checksum = _write_rows(file, parts, method)
        end = file.tell()
        head = _array_header(dtype, count)
        checksum = join_crc32(zlib.crc32(head), checksum, size)
        sizes = checksum, end - head_place, size + len(head)
        file.write(_directory(member, sizes, method=method, place=end))
        file.seek(0)
        file.write(_local_header(member, method, *sizes))
        file.write(_wrap_head(head, method))
    return count


def _write_rows(file: IO[bytes], parts: Iterable[Any], method: int) -> tuple[int, int, int]:
    """Write rows; return their count, their bytes and their checksum."""
    compressor = zlib.compressobj(LEVEL, zlib.DEFLATED, _WINDOW_BITS)
    is_compressed = method == _DEFLATED
    count = size = checksum = 0
    for part in parts:
        data = np.ascontiguousarray(part).view(np.uint8).data
        checksum = zlib.crc32(data, checksum)
        file.write(compressor.compress(data) if is_compressed else data)
        count, size = count + len(part), size + len(data)
    if is_compressed:
        file.write(compressor.flush())
    return count, size, checksum


def _array_header(dtype: Any, count: int) -> bytes:
    """Return the array's header; its length does not depend on the count."""
    assert count < COUNT_MAX
    header = io.BytesIO()
    described = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": (COUNT_MAX,),
    }
    np.lib.format.write_array_header_1_0(header, described)
    wide = f"({COUNT_MAX},)"
    return header.getvalue().replace(wide.encode(), f"({count},)".ljust(len(wide)).encode())


def _wrap_head(data: bytes, method: int) -> bytes:
    """Return the array's header in its written form.

    In deflated data this is an uncompressed block that is not the last one.
    """
    if method == _STORED:
        return data
    return b"\0" + pack("<HH", len(data), len(data) ^ 0xFFFF) + data


def _local_header(member: bytes, method: int, checksum: int, packed: int, size: int) -> bytes:
    extra = pack("<HHQQ", 1, 16, size, packed)
    fixed = (b"PK\3\4", _VERSION, 0, method, 0, _DATE, checksum, _MORE, _MORE)
    return pack("<4s5H3L2H", *fixed, len(member), len(extra)) + member + extra


def _directory(member: bytes, sizes: tuple[int, int, int], *, method: int, place: int) -> bytes:
    """Return the archive's end: its directory, which begins at `place`, and the end record."""
    checksum, packed, size = sizes
    extra = pack("<HHQQ", 1, 16, size, packed)
    fixed = (b"PK\1\2", _VERSION, _VERSION, 0, method, 0, _DATE, checksum, _MORE, _MORE)
    entry = pack("<4s6H3L5H2L", *fixed, len(member), len(extra), 0, 0, 0, 0, 0) + member + extra
    end = pack("<4sQ2H2L4Q", b"PK\6\6", 44, _VERSION, _VERSION, 0, 0, 1, 1, len(entry), place)
    locator = pack("<4sLQL", b"PK\6\7", 0, place + len(entry), 1)
    return entry + end + locator + pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entry), _MORE, 0)
