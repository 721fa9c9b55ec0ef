"""Reads the page headers of a column chunk, and checks each against the footer.

A page's checksum covers the bytes after its header, never the header itself. A flipped bit in the
header may remove the checksum, or make Arrow decode the page wrongly, and nothing else notices.
https://parquet.apache.org/docs/file-format/data-pages/checksumming/
"""

from typing import Final

from msgspec import Struct

NUMBER_BITS: Final = 32  # of every number in a header
DEPTH_MAX: Final = 4  # of structs in each other
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
# https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
_TYPE, _UNCOMPRESSED, _COMPRESSED, _CRC = 1, 2, 3, 4
_DATA_HEADER, _DICTIONARY_HEADER = 5, 7
_VALUES, _ENCODING, _DEFINITIONS, _REPETITIONS, _STATISTICS = 1, 2, 3, 4, 5
_IS_SORTED: Final = 3
_PLAIN, _RLE = 0, 3
_OF_LEVELS: Final = {3, 4}
_OF_DICTIONARIES: Final = {2, 8}
_ENCODINGS: Final = {
    "PLAIN": 0,
    "PLAIN_DICTIONARY": 2,
    "RLE": 3,
    "BIT_PACKED": 4,
    "DELTA_BINARY_PACKED": 5,
    "DELTA_LENGTH_BYTE_ARRAY": 6,
    "DELTA_BYTE_ARRAY": 7,
    "RLE_DICTIONARY": 8,
    "BYTE_STREAM_SPLIT": 9,
}
# The types of Thrift's compact protocol. Only statistics have numbers of more than 32 bits.
_TRUE, _FALSE, _INTEGERS, _BINARY, _STRUCT = 1, 2, (5, 6), 8, 12
_SHORT_MAX: Final = 127


class BadPage(ValueError):
    """Name the impossible part of a page's header."""


class Chunk(Struct, frozen=True):
    """A column chunk, as the footer describes it."""

    values: int
    compressed: int
    uncompressed: int
    encodings: tuple[str, ...]
    has_dictionary: bool


class _Fields(Struct):
    numbers: dict[int, int]
    structs: dict[int, "_Fields"]
    others: set[int]


def check_pages(data: bytes, chunk: Chunk) -> set[bool]:
    """Return whether pages have a checksum; raise `BadPage` if a header contradicts the footer."""
    if len(data) != chunk.compressed:
        raise BadPage(f"a column has {len(data)} bytes, not {chunk.compressed}")
    place = values = uncompressed = 0
    checksums = set()
    is_first = True
    encodings = _find_encodings(chunk)
    while place < len(data):
        try:
            header, begin = _read_struct(data, place, DEPTH_MAX)
        except IndexError:
            raise BadPage("a header does not end") from None
        if is_first and chunk.has_dictionary:
            _check_dictionary(header)
        else:
            values += _check_data(header, encodings)
        is_first = False
        sizes = header.numbers.get(_UNCOMPRESSED, -1), header.numbers.get(_COMPRESSED, -1)
        if min(sizes) < 0:
            raise BadPage("a page has no size")
        uncompressed += begin - place + sizes[0]
        checksums.add(_CRC in header.numbers)
        place = begin + sizes[1]
    found = place, values, uncompressed
    if found != (chunk.compressed, chunk.values, chunk.uncompressed):
        raise BadPage("the pages of a column do not add up to it")
    return checksums


def _find_encodings(chunk: Chunk) -> set[int]:
    """Return the encodings of data pages; the footer also counts those of levels and dictionary.

    No dictionary of ours grows so large that the writer falls back to plain pages.
    """
    found = {_ENCODINGS[name] for name in chunk.encodings if name in _ENCODINGS}
    if chunk.has_dictionary:
        return found & _OF_DICTIONARIES
    return found - _OF_LEVELS or found


def _check_dictionary(header: _Fields) -> None:
    _check_shape(header, _DICTIONARY_PAGE, _DICTIONARY_HEADER)
    page = header.structs[_DICTIONARY_HEADER]
    is_known = page.numbers.keys() == {_VALUES, _ENCODING} and page.others <= {_IS_SORTED}
    if not is_known or page.structs or page.numbers[_ENCODING] != _PLAIN:
        raise BadPage("a dictionary's header is none")


def _check_data(header: _Fields, encodings: set[int]) -> int:
    _check_shape(header, _DATA_PAGE, _DATA_HEADER)
    page = header.structs[_DATA_HEADER]
    is_known = page.numbers.keys() == {_VALUES, _ENCODING, _DEFINITIONS, _REPETITIONS}
    if not is_known or page.others or page.structs.keys() - {_STATISTICS}:
        raise BadPage("a page's header is none")
    if page.numbers[_ENCODING] not in encodings or page.numbers[_VALUES] < 0:
        raise BadPage("a page has an encoding that its column has not")
    if {page.numbers[_DEFINITIONS], page.numbers[_REPETITIONS]} != {_RLE}:
        raise BadPage("a page's levels have another encoding")
    return page.numbers[_VALUES]


def _check_shape(header: _Fields, kind: int, page: int) -> None:
    required = {_TYPE, _UNCOMPRESSED, _COMPRESSED}
    is_known = required <= header.numbers.keys() <= required | {_CRC}
    if not is_known or header.others or header.structs.keys() != {page}:
        raise BadPage("a page has another header")
    if header.numbers[_TYPE] != kind:
        raise BadPage("a page is of another kind")


def _read_struct(data: bytes, place: int, depth: int) -> tuple[_Fields, int]:
    """Return a struct's fields and its end; raise IndexError if the data end before it."""
    if not depth:
        raise BadPage("a header is nested too deeply")
    fields = _Fields({}, {}, set())
    number = 0
    while True:
        byte, place = data[place], place + 1
        if not byte:
            return fields, place
        step, kind = byte >> 4, byte & 0xF
        if not step:
            raise BadPage("a header has a field out of order")
        number += step
        if kind in _INTEGERS:
            value, place = _read_varint(data, place)
            fields.numbers[number] = value >> 1 ^ -(value & 1)
        elif kind in {_TRUE, _FALSE}:
            fields.others.add(number)
        elif kind == _BINARY:
            length, place = _read_varint(data, place)
            place += length
            fields.others.add(number)
        elif kind == _STRUCT:
            fields.structs[number], place = _read_struct(data, place, depth - 1)
        else:
            raise BadPage("a header has a field of no known kind")


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    if data[place] <= _SHORT_MAX:
        return data[place], place + 1
    value = shift = 0
    while True:
        byte, place = data[place], place + 1
        value |= (byte & _SHORT_MAX) << shift
        shift += 7
        if value >> NUMBER_BITS:  # Arrow would truncate it
            raise BadPage("a header has too long a number")
        if byte <= _SHORT_MAX:
            return value, place
        if shift >= NUMBER_BITS:
            raise BadPage("a header has a number without end")
